"""The air picture of a subscription: the state from the server's messages. It uses no socket and no clock."""

from cells import covers

# The lists of Objects, the kind in each, and the name of its id.
LISTS = {
    "aircraft": ("aircraft", "device"),
    "ground": ("ground", "device"),
    "thermals": ("thermal", "thermal_id"),
    "stations": ("station", "device"),
    "receivers": ("receiver", "receiver_id"),
    "alerts": ("alert", "alert_id"),
    "landmarks": ("landmark", "landmark_id"),
}
# The lists of Present and the kind in each.
PRESENT = {
    "aircraft_devices": "aircraft",
    "ground_devices": "ground",
    "station_devices": "station",
    "thermal_ids": "thermal",
    "alert_ids": "alert",
    "landmark_ids": "landmark",
    "receiver_ids": "receiver",
}
# ObjectKind by number.
KINDS = (None, "aircraft", "ground", "thermal", "station", "receiver", "alert", "landmark")


def written(id_name, value):
    """An id in its text form: 110B90, 17-123456, or a receiver's own."""
    if id_name == "device":
        return f"{value:06X}"
    if id_name in ("thermal_id", "alert_id", "landmark_id", "record_id"):
        return f"{value >> 48}-{value & (1 << 48) - 1}"
    return value


class Picture:
    """`report(event)` gets each change; `followed`: devices (numbers) to keep independent of the region."""

    def __init__(self, report, followed=()):
        self.objects = {}
        self._names = {}
        # The highest version seen, also of ended objects and of those outside.
        self._versions = {}
        self._cells = set()
        self._followed = set(followed)
        self._report = report

    def clear(self):
        """Another epoch, or a snapshot of everything: discard everything."""
        self.objects.clear()
        self._names.clear()
        self._versions.clear()

    def snapshot(self, snapshot):
        if snapshot.page == 0:
            if snapshot.request_id == 0 and not snapshot.resumed:
                self.clear()
            if snapshot.cells:
                self._cells = set(snapshot.cells)
                self._drop_unless(lambda key, update: self._is_inside(update))
        self._put(snapshot.objects)

    def updates(self, batch):
        self._put(batch.objects)
        for removal in batch.removals:
            id_name = removal.WhichOneof("id")
            key = (KINDS[removal.object_kind], getattr(removal, id_name))
            if self._is_newer(key, removal.version) and key in self.objects:
                self._drop(key)

    def present(self, present):
        """After a resume: objects that are not named here ended or left meanwhile."""
        named = {(kind, key) for name, kind in PRESENT.items() for key in getattr(present, name)}
        self._drop_unless(lambda key, update: key in named)

    def _put(self, objects):
        for name, (kind, id_name) in LISTS.items():
            for update in getattr(objects, name):
                key = (kind, getattr(update, id_name))
                if not self._is_newer(key, update.version):
                    continue
                if not self._is_inside(update):
                    # It left the region: the server sends no further updates of it.
                    if key in self.objects:
                        self._drop(key)
                    continue
                # The name is sent once, and again only when it changes.
                if getattr(update, "name", ""):
                    self._names[key] = update.name
                self.objects[key] = update
                position = {}
                if has_position(update):
                    position = {"latitude_deg": update.latitude_e7 / 1e7, "longitude_deg": update.longitude_e7 / 1e7}
                self._report({"event": "object", "kind": kind, "id": written(id_name, key[1]), **position})

    def _is_newer(self, key, version):
        """An equal version is a repetition, and current."""
        if self._versions.get(key, -1) > version:
            return False
        self._versions[key] = version
        return True

    def _is_inside(self, update):
        if getattr(update, "device", None) in self._followed or not has_position(update):
            return True
        return covers(self._cells, update.latitude_e7 / 1e7, update.longitude_e7 / 1e7)

    def _drop_unless(self, stays):
        for key in [key for key, update in self.objects.items() if not stays(key, update)]:
            self._drop(key)

    def _drop(self, key):
        del self.objects[key]
        self._names.pop(key, None)
        id_name = next(id_name for kind, id_name in LISTS.values() if kind == key[0])
        self._report({"event": "gone", "kind": key[0], "id": written(id_name, key[1])})


def has_position(update):
    """Receivers and alerts may have none; everything else always has."""
    optional = update.DESCRIPTOR.fields_by_name["latitude_e7"].has_presence
    return not optional or update.HasField("latitude_e7")
