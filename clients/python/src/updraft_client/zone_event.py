"""Aircraft that enter and leave zones. None: not known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .address import format_address
from .wire import optional

ENTER = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneEvent:
    event_id: str
    """The same wherever the event is read."""
    device: int
    at_s: float
    """Server's clock, seconds since the Unix epoch."""
    entered: bool
    """False: it left."""
    zone_set: str
    zone_id: str
    """In its set."""
    zone_name: str
    zone_class: str
    """Empty: not stated."""
    latitude_deg: float
    longitude_deg: float
    altitude_m: int | None

    @property
    def address(self) -> str:
        return format_address(self.device)


def zone_event(u: Any) -> ZoneEvent:
    return ZoneEvent(
        event_id=u.event_id, device=u.device, at_s=u.event_at_us / 1e6, entered=u.event_kind == ENTER, zone_set=u.set, zone_id=u.zone_id,
        zone_name=u.zone_name, zone_class=u.zone_class, latitude_deg=u.latitude_e7 / 1e7, longitude_deg=u.longitude_e7 / 1e7,
        altitude_m=optional(u, "altitude_m"),
    )
