"""What a client asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from .objects import Kind
from .wire import Subscribe

Rate = Literal["live", "1s", "5s", "30s"]
RATES: tuple[Rate, ...] = ("live", "1s", "5s", "30s")


def interval_s(rate: Rate) -> float:
    """The time between two updates; of `live`, about."""
    return 0.0 if rate == "live" else float(rate.removesuffix("s"))


@dataclass(frozen=True, slots=True)
class Circle:
    latitude_deg: float
    longitude_deg: float
    radius_km: float
    """1 to 200."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """West greater than east: they cross the date line."""

    south_deg: float
    west_deg: float
    north_deg: float
    east_deg: float


@dataclass(frozen=True, slots=True)
class Subscription:
    region: Circle | Bounds
    kinds: tuple[Kind, ...] = tuple(Kind)
    follow: tuple[int, ...] = field(default=())
    """Devices to receive wherever they are."""
    zone_events: bool = False
    """Whether to get the events of aircraft that enter and leave zones."""
    fleet: str | None = None
    """A fleet of the credentials: its devices wherever they are, hidden ones where they allow it."""

    def query(self, rate: Rate, resume: str | None) -> dict[str, str]:
        """As the query of a new connection. Followed devices and the fleet are not in there: they need a Subscribe of their own."""
        query = _region_query(self.region) | {"kinds": ",".join(kind.name.lower() for kind in self.kinds)}
        if rate != "live":
            query["rate"] = rate
        if self.zone_events:
            query["zone_events"] = "true"
        if resume:
            query["resume"] = resume
        return query

    def message(self, rate: Rate, *, had_fleet: bool = False) -> Any:
        """As a message on an open connection. `had_fleet`: one was named on it before, and ends where this subscription has none."""
        message = Subscribe(kinds=self.kinds, follow_devices=self.follow, replace_lists=True, rate=RATES.index(rate) + 1, zone_events=self.zone_events)
        if self.fleet is not None or had_fleet:
            message.fleet = self.fleet or ""
        target = message.circle if isinstance(self.region, Circle) else message.bounds
        for name in self.region.__slots__:
            setattr(target, name, getattr(self.region, name))
        return message


def _region_query(region: Circle | Bounds) -> dict[str, str]:
    if isinstance(region, Circle):
        return {"lat": f"{region.latitude_deg:.5f}", "lon": f"{region.longitude_deg:.5f}", "radius": f"{region.radius_km:g}"}
    corners = (region.south_deg, region.west_deg, region.north_deg, region.east_deg)
    return {"bounds": ",".join(f"{degrees:.5f}" for degrees in corners)}
