import { AirPicture, DKMH_PER_KMH, CMPS_PER_MPS, E7_PER_DEGREE, wrapLongitude, type Aircraft, type AircraftUpdate, type GroundUpdate, type StationUpdate, type ThermalUpdate } from 'updraft-client';
import type { Estimate, Fix } from '../motion/extrapolate';
import type { Motion } from '../motion/motion';
import { TRAIL_MS } from '../motion/trail';
import type { PastFix, Timeline } from './timeline';

/** An aircraft that was not heard for this time is not shown, ms; as on the live map. */
export const LIFETIME_MS = 15 * 60_000;
/** After a longer silence the way is not known, ms. */
const GAP_MS = 3 * 60_000;

/** The thermals of each time; `changes` grows when others are known. */
export interface ThermalsOfTime {
  readonly changes: number;
  at(at: number): ThermalUpdate[];
}

const NO_THERMALS: ThermalsOfTime = { changes: 0, at: () => [] };

/** The people on the ground and the weather stations of each time; `changes` grows when others are known. */
export interface GroundOfTime {
  readonly changes: number;
  ground(at: number): GroundUpdate[];
  stations(at: number): StationUpdate[];
}

const NO_GROUND: GroundOfTime = { changes: 0, ground: () => [], stations: () => [] };

/** The air picture at a time of the past, made of what is loaded. Between two positions an aircraft is where the line says. */
export class PastAir implements Motion {
  readonly picture = new AirPicture();
  readonly trails = {
    gapMs: GAP_MS,
    of: (device: number): readonly Fix[] => {
      const track = this.#timeline.track(device, { from: this.#at - TRAIL_MS, to: this.#at });
      const { before, after } = this.#timeline.around(device, this.#at);
      return before && before.at < this.#at && isOneWay(before, after) ? [...track, between(before, after, this.#at)] : track;
    },
  };
  readonly #timeline: Timeline;
  readonly #thermals: ThermalsOfTime;
  readonly #ground: GroundOfTime;
  #at = 0;
  #changes = '';

  constructor(timeline: Timeline, thermals: ThermalsOfTime = NO_THERMALS, ground: GroundOfTime = NO_GROUND) {
    this.#timeline = timeline;
    this.#thermals = thermals;
    this.#ground = ground;
  }

  /** Makes the picture of this time. */
  show(at: number): void {
    const changes = `${this.#timeline.changes}/${this.#thermals.changes}/${this.#ground.changes}`;
    if (at === this.#at && changes === this.#changes) return;
    // Versions are times: what is later would not be replaced.
    if (at < this.#at) this.picture.clear();
    this.#at = at;
    this.#changes = changes;
    const aircraft: AircraftUpdate[] = [];
    for (const device of this.#timeline.devices()) {
      const { before, after } = this.#timeline.around(device, at);
      if (before && (at - before.at <= LIFETIME_MS || isOneWay(before, after))) aircraft.push(updateOf(device, this.#timeline.name(device), at, before, after));
    }
    const shown = new Set(aircraft.map(({ device }) => device));
    for (const { device, version } of [...this.picture.aircraft.values()]) {
      if (!shown.has(device)) this.picture.aircraft.remove(device, version);
    }
    const thermals = this.#thermals.at(at);
    const known = new Set(thermals.map(({ thermal_id }) => thermal_id));
    for (const { id, version } of [...this.picture.thermals.values()]) {
      if (!known.has(id)) this.picture.thermals.remove(id, version);
    }
    const [ground, stations] = [this.#ground.ground(at), this.#ground.stations(at)];
    keepOnly(this.picture.ground, ground);
    keepOnly(this.picture.stations, stations);
    this.picture.put({ aircraft, ground, thermals, stations, receivers: [], alerts: [], landmarks: [] }, { now: at, connection: 0 });
  }

  /** The picture has each aircraft where it is. */
  whereNow(aircraft: Aircraft): Estimate {
    return aircraft;
  }
}

/** Removes those that are not among these; they may come back in the same version. */
function keepOnly(table: AirPicture['ground'] | AirPicture['stations'], updates: readonly { device: number }[]): void {
  const known = new Set(updates.map(({ device }) => device));
  table.retain(({ device }: { device: number }) => known.has(device));
}

function isOneWay(before: PastFix, after: PastFix | undefined): after is PastFix {
  return after !== undefined && after.at - before.at <= GAP_MS;
}

/** As the server would send it: on its way to the next position, or at the last one with its age. */
function updateOf(device: number, name: string | undefined, at: number, before: PastFix, after: PastFix | undefined): AircraftUpdate {
  const fix = isOneWay(before, after) ? between(before, after, at) : before;
  return {
    device, name, latitude_e7: Math.round(fix.lat * E7_PER_DEGREE), longitude_e7: Math.round(fix.lon * E7_PER_DEGREE),
    altitude_m: rounded(fix.altitudeM), speed_dkmh: rounded(before.speedKmh, DKMH_PER_KMH), climb_cmps: rounded(before.climbMps, CMPS_PER_MPS),
    course_deg: fix.courseDeg, kind_and_phase: before.kind, version: before.at, age_ds: fix === before ? Math.round((at - before.at) / 100) : 0,
  };
}

/** Where the line between two positions is at a time. */
export function between(before: Fix, after: Fix, at: number): Fix {
  const share = (at - before.at) / (after.at - before.at);
  const on = (from: number | undefined, to: number | undefined) => (from === undefined || to === undefined ? from : from + (to - from) * share);
  const turned = before.courseDeg === undefined || after.courseDeg === undefined ? 0 : ((after.courseDeg - before.courseDeg + 540) % 360) - 180;
  return {
    ...before, at,
    lat: before.lat + (after.lat - before.lat) * share,
    lon: wrapLongitude(before.lon + wrapLongitude(after.lon - before.lon) * share),
    altitudeM: on(before.altitudeM, after.altitudeM),
    courseDeg: before.courseDeg === undefined ? undefined : (before.courseDeg + turned * share + 360) % 360,
  };
}

function rounded(value: number | undefined, factor = 1): number | undefined {
  return value === undefined ? undefined : Math.round(value * factor);
}
