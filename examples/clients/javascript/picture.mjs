// The air picture of a subscription: the state from the server's messages. It uses no socket and no clock.

import { covers } from './cells.mjs';

/** The lists of `Objects`, the kind in each, and the name of its id. */
const LISTS = {
  aircraft: ['aircraft', 'device'],
  ground: ['ground', 'device'],
  thermals: ['thermal', 'thermal_id'],
  stations: ['station', 'device'],
  receivers: ['receiver', 'receiver_id'],
  alerts: ['alert', 'alert_id'],
  landmarks: ['landmark', 'landmark_id'],
};

/** The lists of `Present` and the kind in each. */
const PRESENT = {
  aircraft_devices: 'aircraft',
  ground_devices: 'ground',
  station_devices: 'station',
  thermal_ids: 'thermal',
  alert_ids: 'alert',
  landmark_ids: 'landmark',
  receiver_ids: 'receiver',
};

export class Picture {
  /** By `kind/id`: kind, id, and the newest update. */
  objects = new Map();
  /** By `kind/id`: the highest version seen, also of ended objects and of those outside. */
  #versions = new Map();
  #cells = [];
  #followed;
  #report;

  /** `report(event)` gets each change; `followed`: devices to keep independent of the region. */
  constructor(report, followed = []) {
    this.#report = report;
    this.#followed = new Set(followed);
  }

  /** Another epoch, or a snapshot of everything: discard everything. */
  clear() {
    this.objects.clear();
    this.#versions.clear();
  }

  snapshot({ request_id, page = 0, cells = [], resumed, objects }) {
    if (page === 0) {
      if (Number(request_id) === 0 && !resumed) this.clear();
      if (cells.length > 0) {
        this.#cells = cells;
        for (const object of [...this.objects.values()]) if (!this.#isInside(object.update)) this.#drop(object);
      }
    }
    this.#put(objects);
  }

  updates({ objects, removals = [] }) {
    this.#put(objects);
    for (const removal of removals) {
      const id = removal.device ?? removal.record_id ?? removal.receiver_id;
      if (!this.#isNewer(removal.object_kind, id, removal.version)) continue;
      const object = this.objects.get(`${removal.object_kind}/${id}`);
      if (object) this.#drop(object);
    }
  }

  /** After a resume: objects that are not named here ended or left meanwhile. */
  present(present) {
    const named = new Set();
    for (const [list, kind] of Object.entries(PRESENT)) for (const id of present[list] ?? []) named.add(`${kind}/${id}`);
    for (const [key, object] of [...this.objects]) if (!named.has(key)) this.#drop(object);
  }

  #put(objects = {}) {
    for (const [list, [kind, idName]] of Object.entries(LISTS)) {
      for (const update of objects[list] ?? []) {
        const id = update[idName];
        if (!this.#isNewer(kind, id, update.version)) continue;
        const key = `${kind}/${id}`;
        const known = this.objects.get(key);
        if (!this.#isInside(update)) {
          // It left the region: the server sends no further updates of it.
          if (known) this.#drop(known);
          continue;
        }
        // The name is sent once, and again only when it changes.
        const name = update.name ?? known?.update.name;
        this.objects.set(key, { kind, id, update: { ...update, name } });
        const position = update.latitude_e7 === undefined ? {} : { latitude_deg: update.latitude_e7 / 1e7, longitude_deg: update.longitude_e7 / 1e7 };
        this.#report({ event: 'object', kind, id, ...position });
      }
    }
  }

  /** Versions are 64-bit: strings in JSON. An equal version is a repetition, and current. */
  #isNewer(kind, id, version) {
    const key = `${kind}/${id}`;
    if ((this.#versions.get(key) ?? -1n) > BigInt(version)) return false;
    this.#versions.set(key, BigInt(version));
    return true;
  }

  #isInside(update) {
    if (this.#followed.has(update.device) || update.latitude_e7 === undefined) return true;
    return covers(this.#cells, update.latitude_e7 / 1e7, update.longitude_e7 / 1e7);
  }

  #drop({ kind, id }) {
    this.objects.delete(`${kind}/${id}`);
    this.#report({ event: 'gone', kind, id });
  }
}
