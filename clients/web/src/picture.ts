import { CellSet } from './cells.js';
import { aircraftFrom, alertFrom, groundFrom, landmarkFrom, receiverFrom, stationFrom, thermalFrom, type Arrival } from './convert.js';
import type { Aircraft, Alert, Ground, Landmark, Receiver, Station, Thermal, Tracked } from './objects.js';
import { ObjectKind, type Objects, type Present, type Removal } from './proto/live.js';
import { ObjectTable } from './table.js';

/** Called with each new state of an aircraft, before the old one is dropped. */
export type AircraftObserver = (next: Aircraft, before: Aircraft | undefined) => void;

/**
 * The air picture as this client sees it. Invariants: per object the highest version; a device is an aircraft or a ground
 * object and never both; nothing outside of the cells unless it is followed or of the fleet.
 */
export class AirPicture {
  readonly aircraft = new ObjectTable<number, Aircraft>();
  readonly ground = new ObjectTable<number, Ground>();
  readonly thermals = new ObjectTable<string, Thermal>();
  readonly stations = new ObjectTable<number, Station>();
  readonly receivers = new ObjectTable<string, Receiver>();
  readonly alerts = new ObjectTable<string, Alert>();
  readonly landmarks = new ObjectTable<string, Landmark>();

  #cells: CellSet | undefined;
  #followed: ReadonlySet<number> = new Set();
  #fleet: ReadonlySet<number> | undefined;
  readonly #observe: AircraftObserver;

  constructor(observe: AircraftObserver = () => {}) {
    this.#observe = observe;
  }

  /** Changes the region; removes objects that are outside and not followed. */
  setCells(cells: readonly string[]): void {
    this.#cells = new CellSet(cells);
    this.#dropOutside();
  }

  setFollowed(devices: Iterable<number>): void {
    this.#followed = new Set(devices);
    this.#dropOutside();
  }

  /** The devices of the subscribed fleet; undefined: none is subscribed to. */
  get fleet(): ReadonlySet<number> | undefined {
    return this.#fleet;
  }

  setFleet(devices: Iterable<number> | undefined): void {
    this.#fleet = devices && new Set(devices);
    this.#dropOutside();
  }

  /** Drops the objects of every kind that is not subscribed any more. */
  setKinds(kinds: readonly ObjectKind[]): void {
    for (const [kind, table] of this.#tables()) {
      if (!kinds.includes(kind)) table.retain(() => false);
    }
  }

  put(objects: Objects, arrival: Arrival): void {
    for (const u of objects.aircraft) this.#putAircraft(aircraftFrom(u, arrival, this.aircraft.get(u.device)));
    for (const u of objects.ground) this.#putGround(groundFrom(u, arrival, this.ground.get(u.device)));
    for (const u of objects.thermals) this.#put(this.thermals, u.thermal_id, thermalFrom(u, arrival));
    for (const u of objects.stations) this.#put(this.stations, u.device, stationFrom(u, arrival, this.stations.get(u.device)));
    for (const u of objects.receivers) this.#put(this.receivers, u.receiver_id, receiverFrom(u, arrival));
    for (const u of objects.alerts) this.#put(this.alerts, u.alert_id, alertFrom(u, arrival, this.alerts.get(u.alert_id)));
    for (const u of objects.landmarks) this.#put(this.landmarks, u.landmark_id, landmarkFrom(u, arrival, this.landmarks.get(u.landmark_id)));
  }

  remove(removal: Removal): void {
    const { device, record_id, receiver_id, version } = removal;
    switch (removal.object_kind) {
      case ObjectKind.OBJECT_KIND_AIRCRAFT: this.aircraft.remove(device ?? 0, version); break;
      case ObjectKind.OBJECT_KIND_GROUND: this.ground.remove(device ?? 0, version); break;
      case ObjectKind.OBJECT_KIND_STATION: this.stations.remove(device ?? 0, version); break;
      case ObjectKind.OBJECT_KIND_THERMAL: this.thermals.remove(record_id ?? '', version); break;
      case ObjectKind.OBJECT_KIND_ALERT: this.alerts.remove(record_id ?? '', version); break;
      case ObjectKind.OBJECT_KIND_LANDMARK: this.landmarks.remove(record_id ?? '', version); break;
      case ObjectKind.OBJECT_KIND_RECEIVER: this.receivers.remove(receiver_id ?? '', version); break;
    }
  }

  /**
   * Drops objects that ended while this client was disconnected, or too slow to hear of it. Keeps followed devices that this connection received
   * unless the server knows that they are followed, which names them then: `known`.
   */
  keepPresent(present: Present, connection: number, known: readonly number[] = []): void {
    const followed = (object: Tracked & { device: number }) =>
      object.connection === connection && this.#followed.has(object.device) && !known.includes(object.device);
    const aircraft = new Set(present.aircraft_devices);
    const ground = new Set(present.ground_devices);
    const stations = new Set(present.station_devices);
    const thermals = new Set(present.thermal_ids);
    const alerts = new Set(present.alert_ids);
    const receivers = new Set(present.receiver_ids);
    const landmarks = new Set(present.landmark_ids);
    this.aircraft.retain((object, key) => aircraft.has(key) || followed(object));
    this.ground.retain((object, key) => ground.has(key) || followed(object));
    this.stations.retain((object, key) => stations.has(key) || followed(object));
    this.thermals.retain((_, key) => thermals.has(key));
    this.alerts.retain((object, key) => alerts.has(key) || followed(object));
    this.receivers.retain((_, key) => receivers.has(key));
    this.landmarks.retain((_, key) => landmarks.has(key));
  }

  /** Removes everything, versions included: versions start again in another epoch. */
  clear(): void {
    for (const [, table] of this.#tables()) table.clear();
  }

  #putAircraft(next: Aircraft): void {
    if (!this.#isNewestOf(this.ground, next)) return;
    const before = this.aircraft.get(next.device);
    if (!this.#put(this.aircraft, next.device, next)) return;
    leaveKind(this.ground, next.device);
    this.#observe(next, before);
  }

  #putGround(next: Ground): void {
    if (!this.#isNewestOf(this.aircraft, next)) return;
    if (this.#put(this.ground, next.device, next)) leaveKind(this.aircraft, next.device);
  }

  #isNewestOf(other: ObjectTable<number, Tracked & { device: number }>, next: Tracked & { device: number }): boolean {
    return (other.get(next.device)?.version ?? -1) <= next.version;
  }

  /** True when the object is shown now. */
  #put<K, T extends Tracked & Whereabouts>(table: ObjectTable<K, T>, key: K, next: T): boolean {
    if (!table.accepts(key, next.version)) return false;
    const inside = this.#isInside(next);
    if (inside) table.put(key, next);
    else table.leave(key, next.version);
    return inside;
  }

  #isInside({ lat, lon, device }: Whereabouts): boolean {
    if (device !== undefined && this.#isWanted(device)) return true;
    if (!this.#cells || lat === undefined || lon === undefined) return true;
    return this.#cells.contains(lat, lon);
  }

  /** In any region. */
  #isWanted(device: number): boolean {
    return this.#followed.has(device) || this.#fleet?.has(device) === true;
  }

  #dropOutside(): void {
    for (const [, table] of this.#tables()) table.retain((object) => this.#isInside(object));
  }

  #tables(): [ObjectKind, ObjectTable<unknown, Tracked & Whereabouts>][] {
    const all = [
      [ObjectKind.OBJECT_KIND_AIRCRAFT, this.aircraft],
      [ObjectKind.OBJECT_KIND_GROUND, this.ground],
      [ObjectKind.OBJECT_KIND_THERMAL, this.thermals],
      [ObjectKind.OBJECT_KIND_STATION, this.stations],
      [ObjectKind.OBJECT_KIND_RECEIVER, this.receivers],
      [ObjectKind.OBJECT_KIND_ALERT, this.alerts],
      [ObjectKind.OBJECT_KIND_LANDMARK, this.landmarks],
    ];
    return all as [ObjectKind, ObjectTable<unknown, Tracked & Whereabouts>][];
  }
}

/** The device is another kind of object now. */
function leaveKind(table: ObjectTable<number, Tracked>, device: number): void {
  const before = table.get(device);
  if (before) table.leave(device, before.version);
}

interface Whereabouts {
  lat?: number;
  lon?: number;
  device?: number;
}
