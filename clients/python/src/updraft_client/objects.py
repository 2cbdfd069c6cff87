"""What is known of one object, in km/h, m/s, metres and degrees. None: not known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar

from .address import format_address, format_record_id
from .wire import optional

# The packing of `kind_and_phase`: kind, then phase, then alert.
PHASE_SHIFT, ALERT_SHIFT = 5, 10
NUMBER_MASK = (1 << PHASE_SHIFT) - 1


class Kind(IntEnum):
    """ObjectKind of the protocol."""

    AIRCRAFT = 1
    GROUND = 2
    THERMAL = 3
    STATION = 4
    RECEIVER = 5
    ALERT = 6
    LANDMARK = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """What every object has."""

    kind: ClassVar[Kind]
    version: int
    at_s: float
    """Client's clock at the newest position or value, seconds since the Unix epoch."""
    connection: int
    """Number of the connection that reported it last."""
    latitude_deg: float | None
    longitude_deg: float | None

    @property
    def key(self) -> int | str:
        """What tells it from others of its kind: the device, else an id."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfDevice(Tracked):
    device: int
    name: str | None

    @property
    def key(self) -> int:
        return self.device

    @property
    def address(self) -> str:
        return format_address(self.device)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aircraft(_OfDevice):
    kind = Kind.AIRCRAFT
    altitude_m: int | None
    speed_kmh: float | None
    climb_mps: float | None
    course_deg: int | None
    aircraft_kind: int
    phase: int
    alert_kind: int
    """0: no alert."""
    text: str | None
    """The newest text that it has broadcast, for half an hour."""
    text_at_s: float | None
    """When it was sent. None as above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground(_OfDevice):
    kind = Kind.GROUND
    ground_kind: int
    alert_kind: int
    """0: no alert."""
    text: str | None
    """The newest text that it has broadcast, for half an hour."""
    text_at_s: float | None
    """When it was sent. None as above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Station(_OfDevice):
    kind = Kind.STATION
    wind_from_deg: int | None
    wind_kmh: float | None
    gust_kmh: float | None
    temperature_c: float | None
    humidity_pct: int | None
    pressure_hpa: float | None
    state_of_charge_pct: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thermal(Tracked):
    kind = Kind.THERMAL
    thermal_id: str
    base_m: int
    top_m: int
    mean_climb_mps: float
    max_climb_mps: float
    quality: int
    radius_m: int
    pilots: int
    wind_from_deg: int | None
    wind_kmh: float | None

    @property
    def key(self) -> str:
        return self.thermal_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver(Tracked):
    kind = Kind.RECEIVER
    receiver_id: str
    frames_per_minute: int
    estimated: bool
    """The position is an estimate of the server."""

    @property
    def key(self) -> str:
        return self.receiver_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert(Tracked):
    kind = Kind.ALERT
    alert_id: str
    device: int
    name: str | None
    alert_kind: int
    status: int
    opened_at_s: float
    unverified: bool

    @property
    def key(self) -> str:
        return self.alert_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Landmark(Tracked):
    """A mark on the map that a device broadcasts."""

    kind = Kind.LANDMARK
    landmark_id: str
    device: int
    name: str | None
    """Of the device."""
    layer: int
    shape: int
    points: tuple[tuple[float, float], ...]
    """Degrees north and east; the first one is its position."""
    radii_m: tuple[int, ...]
    """Of circles and cylinders, one for each point."""
    text: str | None
    bottom_m: int | None
    top_m: int | None
    wind_sectors: int | None
    """Bit 0 north, then clockwise. None: it counts in any wind."""
    expires_at_s: float

    @property
    def key(self) -> str:
        return self.landmark_id


@dataclass(frozen=True, slots=True)
class Arrival:
    """When and on which connection a message came."""

    now_s: float
    connection: int


def _scaled(message: Any, field: str, divisor: float) -> float | None:
    value = optional(message, field)
    return None if value is None else value / divisor


def _tracked(update: Any, arrival: Arrival) -> dict[str, Any]:
    # Receivers and alerts may have no position; everything else always has.
    may_lack = update.DESCRIPTOR.fields_by_name["latitude_e7"].has_presence
    known = not may_lack or update.HasField("latitude_e7")
    return {
        "version": update.version, "at_s": arrival.now_s - update.age_ds / 10, "connection": arrival.connection,
        "latitude_deg": update.latitude_e7 / 1e7 if known else None, "longitude_deg": update.longitude_e7 / 1e7 if known else None,
    }


def _name(update: Any, before: Any) -> str | None:
    """It comes in snapshots and when it changes."""
    name = optional(update, "name")
    return name if name is not None or before is None else before.name


def _text(update: Any) -> dict[str, Any]:
    return {"text": optional(update, "text"), "text_at_s": _scaled(update, "text_at_us", 1e6)}


def aircraft(u: Any, arrival: Arrival, before: Aircraft | None) -> Aircraft:
    return Aircraft(
        **_tracked(u, arrival), device=u.device, name=_name(u, before), altitude_m=optional(u, "altitude_m"),
        speed_kmh=_scaled(u, "speed_dkmh", 10), climb_mps=_scaled(u, "climb_cmps", 100), course_deg=optional(u, "course_deg"),
        aircraft_kind=u.kind_and_phase & NUMBER_MASK, phase=u.kind_and_phase >> PHASE_SHIFT & NUMBER_MASK, alert_kind=u.kind_and_phase >> ALERT_SHIFT,
        **_text(u),
    )


def ground(u: Any, arrival: Arrival, before: Ground | None) -> Ground:
    return Ground(
        **_tracked(u, arrival), device=u.device, name=_name(u, before), ground_kind=u.ground_kind, alert_kind=u.alert_kind, **_text(u),
    )


def station(u: Any, arrival: Arrival, before: Station | None) -> Station:
    return Station(
        **_tracked(u, arrival), device=u.device, name=_name(u, before), wind_from_deg=optional(u, "wind_from_deg"),
        wind_kmh=_scaled(u, "wind_speed_dkmh", 10), gust_kmh=_scaled(u, "wind_gust_dkmh", 10), temperature_c=_scaled(u, "temperature_dc", 10),
        humidity_pct=optional(u, "humidity_pct"), pressure_hpa=_scaled(u, "pressure_pa", 100), state_of_charge_pct=optional(u, "state_of_charge_pct"),
    )


def thermal(u: Any, arrival: Arrival, before: Thermal | None) -> Thermal:
    return Thermal(
        **_tracked(u, arrival), thermal_id=format_record_id(u.thermal_id), base_m=u.base_altitude_m, top_m=u.top_altitude_m,
        mean_climb_mps=u.mean_climb_cmps / 100, max_climb_mps=u.max_climb_cmps / 100, quality=u.quality, radius_m=u.radius_m, pilots=u.pilots,
        wind_from_deg=optional(u, "wind_from_deg"), wind_kmh=_scaled(u, "wind_speed_dkmh", 10),
    )


def receiver(u: Any, arrival: Arrival, before: Receiver | None) -> Receiver:
    return Receiver(**_tracked(u, arrival), receiver_id=u.receiver_id, frames_per_minute=u.frames_per_minute, estimated=u.estimated)


def alert(u: Any, arrival: Arrival, before: Alert | None) -> Alert:
    return Alert(
        **_tracked(u, arrival), alert_id=format_record_id(u.alert_id), device=u.device, name=_name(u, before), alert_kind=u.alert_kind,
        status=u.status, opened_at_s=u.opened_at_us / 1e6, unverified=u.unverified,
    )


def landmark(u: Any, arrival: Arrival, before: Landmark | None) -> Landmark:
    rest = zip(u.latitudes_e7, u.longitudes_e7, strict=True)
    return Landmark(
        **_tracked(u, arrival), landmark_id=format_record_id(u.landmark_id), device=u.device, name=_name(u, before), layer=u.layer,
        shape=u.shape, points=tuple((north / 1e7, east / 1e7) for north, east in [(u.latitude_e7, u.longitude_e7), *rest]),
        radii_m=tuple(u.radii_m), text=optional(u, "text"), bottom_m=optional(u, "altitude_bottom_m"),
        top_m=optional(u, "altitude_top_m"), wind_sectors=optional(u, "wind_sectors"), expires_at_s=u.expires_at_us / 1e6,
    )
