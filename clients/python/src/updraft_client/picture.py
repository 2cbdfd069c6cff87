"""The air picture as one client sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from . import objects as made
from .address import format_record_id
from .cells import CellSet
from .objects import Aircraft, Alert, Arrival, Ground, Kind, Landmark, Receiver, Station, Thermal, Tracked

Key = int | str
Observer = Callable[[Kind, Key, Tracked | None], None]

MAX_TRACES = 20_000


class _Table:
    """The objects of one kind: per key the highest version that was ever reported, shown or not."""

    def __init__(self) -> None:
        self.shown: dict[Key, Any] = {}
        # Of what is not shown: version, and whether a tombstone was seen. Then only a higher version revives it; what left the region
        # may come back with the same version.
        self._traces: dict[Key, tuple[int, bool]] = {}

    def accepts(self, key: Key, version: int) -> bool:
        trace = self._traces.get(key)
        if trace:
            return version > trace[0] if trace[1] else version >= trace[0]
        shown = self.shown.get(key)
        return shown is None or version >= shown.version

    def put(self, key: Key, value: Tracked) -> None:
        self._traces.pop(key, None)
        self.shown[key] = value

    def remove(self, key: Key, version: int) -> bool:
        """A tombstone. False: nothing was shown, or a newer state is."""
        shown = self.shown.get(key)
        if shown is not None and shown.version > version:
            return False
        self._leave_trace(key, max(version, self._traces.get(key, (0, True))[0]), gone=True)
        return self.shown.pop(key, None) is not None

    def leave(self, key: Key, version: int) -> bool:
        self._leave_trace(key, version, gone=False)
        return self.shown.pop(key, None) is not None

    def clear(self) -> None:
        self.shown.clear()
        self._traces.clear()

    def _leave_trace(self, key: Key, version: int, *, gone: bool) -> None:
        self._traces.pop(key, None)
        self._traces[key] = (version, gone)
        if len(self._traces) > MAX_TRACES:
            del self._traces[next(iter(self._traces))]


class AirPicture:
    """
    Per object the highest version; a device is an aircraft or a ground object and never both; nothing outside of the cells unless it
    is followed or of the fleet. `observer` is called with each change; its last argument is None where the object is not shown any more.
    """

    def __init__(self, observer: Observer = lambda kind, key, value: None) -> None:
        self._tables = {kind: _Table() for kind in Kind}
        self._cells: CellSet | None = None
        self._followed: frozenset[int] = frozenset()
        self.fleet: frozenset[int] | None = None
        """The devices of the subscribed fleet; None: none is subscribed to."""
        self._observer = observer

    @property
    def aircraft(self) -> Mapping[int, Aircraft]:
        return MappingProxyType(self._tables[Kind.AIRCRAFT].shown)  # type: ignore[arg-type]

    @property
    def ground(self) -> Mapping[int, Ground]:
        return MappingProxyType(self._tables[Kind.GROUND].shown)  # type: ignore[arg-type]

    @property
    def thermals(self) -> Mapping[str, Thermal]:
        return MappingProxyType(self._tables[Kind.THERMAL].shown)  # type: ignore[arg-type]

    @property
    def stations(self) -> Mapping[int, Station]:
        return MappingProxyType(self._tables[Kind.STATION].shown)  # type: ignore[arg-type]

    @property
    def receivers(self) -> Mapping[str, Receiver]:
        return MappingProxyType(self._tables[Kind.RECEIVER].shown)  # type: ignore[arg-type]

    @property
    def alerts(self) -> Mapping[str, Alert]:
        return MappingProxyType(self._tables[Kind.ALERT].shown)  # type: ignore[arg-type]

    @property
    def landmarks(self) -> Mapping[str, Landmark]:
        return MappingProxyType(self._tables[Kind.LANDMARK].shown)  # type: ignore[arg-type]

    def set_cells(self, cells: Iterable[str]) -> None:
        """Changes the region; what is outside of it and not followed is dropped."""
        self._cells = CellSet(cells)
        self._retain_inside()

    def set_followed(self, devices: Iterable[int]) -> None:
        self._followed = frozenset(devices)
        self._retain_inside()

    def set_fleet(self, devices: Iterable[int] | None) -> None:
        self.fleet = None if devices is None else frozenset(devices)
        self._retain_inside()

    def set_kinds(self, kinds: Iterable[Kind]) -> None:
        """Drops every kind that is not subscribed to any more."""
        wanted = set(kinds)
        for kind in Kind:
            if kind not in wanted:
                self._retain(kind, lambda value: False)

    def put(self, update: Any, arrival: Arrival) -> None:
        """Takes a message `Objects`."""
        for u in update.aircraft:
            self._put(made.aircraft(u, arrival, self.aircraft.get(u.device)), other=Kind.GROUND)
        for u in update.ground:
            self._put(made.ground(u, arrival, self.ground.get(u.device)), other=Kind.AIRCRAFT)
        for u in update.thermals:
            self._put(made.thermal(u, arrival, None))
        for u in update.stations:
            self._put(made.station(u, arrival, self.stations.get(u.device)))
        for u in update.receivers:
            self._put(made.receiver(u, arrival, None))
        for u in update.alerts:
            self._put(made.alert(u, arrival, self.alerts.get(format_record_id(u.alert_id))))
        for u in update.landmarks:
            self._put(made.landmark(u, arrival, self.landmarks.get(format_record_id(u.landmark_id))))

    def remove(self, removal: Any) -> None:
        field = removal.WhichOneof("id")
        if field is None or removal.object_kind not in list(Kind):
            return
        kind = Kind(removal.object_kind)
        value = getattr(removal, field)
        key = format_record_id(value) if field == "record_id" else value
        if self._tables[kind].remove(key, removal.version):
            self._observer(kind, key, None)

    def keep_present(self, present: Any, connection: int, known: Iterable[int] = ()) -> None:
        """Drops what was removed during an outage. Followed devices that this connection reported stay, unless the server knows that they are
        followed, which names them then: `known`."""
        unnamed = self._followed - frozenset(known)
        named = {
            Kind.AIRCRAFT: set(present.aircraft_devices), Kind.GROUND: set(present.ground_devices), Kind.STATION: set(present.station_devices),
            Kind.THERMAL: {format_record_id(one) for one in present.thermal_ids}, Kind.ALERT: {format_record_id(one) for one in present.alert_ids},
            Kind.RECEIVER: set(present.receiver_ids), Kind.LANDMARK: {format_record_id(one) for one in present.landmark_ids},
        }
        for kind, keys in named.items():
            self._retain(kind, lambda value, keys=keys: value.key in keys or (value.connection == connection and getattr(value, "device", None) in unnamed))

    def clear(self) -> None:
        """Forgets everything, versions included: another epoch counts from the beginning."""
        for kind, table in self._tables.items():
            keys = list(table.shown)
            table.clear()
            for key in keys:
                self._observer(kind, key, None)

    def _put(self, value: Tracked, other: Kind | None = None) -> None:
        table = self._tables[value.kind]
        also = self._tables[other].shown.get(value.key) if other else None
        if (also is not None and also.version > value.version) or not table.accepts(value.key, value.version):
            return
        if not self._is_inside(value):
            if table.leave(value.key, value.version):
                self._observer(value.kind, value.key, None)
            return
        table.put(value.key, value)
        if other and also is not None:
            self._tables[other].leave(value.key, also.version)
            self._observer(other, value.key, None)
        self._observer(value.kind, value.key, value)

    def _is_followed(self, value: Tracked) -> bool:
        device = getattr(value, "device", None)
        return device in self._followed or (self.fleet is not None and device in self.fleet)

    def _is_inside(self, value: Tracked) -> bool:
        if self._is_followed(value) or self._cells is None or value.latitude_deg is None or value.longitude_deg is None:
            return True
        return self._cells.contains(value.latitude_deg, value.longitude_deg)

    def _retain_inside(self) -> None:
        for kind in Kind:
            self._retain(kind, self._is_inside)

    def _retain(self, kind: Kind, stays: Callable[[Any], bool]) -> None:
        table = self._tables[kind]
        for key, value in list(table.shown.items()):
            if not stays(value):
                table.leave(key, value.version)
                self._observer(kind, key, None)
