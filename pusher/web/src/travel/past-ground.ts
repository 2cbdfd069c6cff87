// People on the ground and weather stations of the region's past: each as it was last known.
import {
  decodeHistory, DKMH_PER_KMH, E7_PER_DEGREE, type GroundUpdate, type PastGroundPosition, type PastReading, type RegionHistory, type StationUpdate, type View,
} from 'updraft-client';
import { AroundHour } from './around-hour';
import { historyUrl, type HistoryKind } from './loader';
import type { GroundOfTime } from './past-air';
import type { Box } from './plan';
import type { Span } from './spans';

const HOUR_MS = 3_600_000;
/** Without a further position or reading it is shown for this time, ms. People on the ground: as on the live map. */
export const LIFETIME_MS = 2 * HOUR_MS;
/** Loaded behind the shown hour, ms: while the next hour is loaded, playing goes on. */
const AHEAD_MS = HOUR_MS / 4;
/** Of each device one position or reading in so many seconds; where these are too many, in so many more. A change of a person's state is never left out. */
const GROUND_STEPS_S = [60, 600] as const;
const WEATHER_STEPS_S = [300, 1800] as const;
/** So many pages are loaded at most. */
const MAX_PAGES = 5;

interface Row {
  device: number;
  event_at_us: number;
}

/** The rows of each device in the order of time, and the names. */
export interface Recorded<R extends Row> {
  rows: ReadonlyMap<number, readonly R[]>;
  names: ReadonlyMap<number, string>;
}

const NOTHING = { rows: new Map(), names: new Map() };

/** Loads them around the hour that is shown. */
export class PastGround implements GroundOfTime {
  readonly #ground = around('ground', GROUND_STEPS_S, ({ ground }) => ground);
  readonly #weather = around('weather', WEATHER_STEPS_S, ({ readings }) => readings);

  get changes(): number {
    return this.#ground.changes + this.#weather.changes;
  }

  ground(at: number): GroundUpdate[] {
    return groundAt(this.#ground.loaded, at);
  }

  stations(at: number): StationUpdate[] {
    return stationsAt(this.#weather.loaded, at);
  }

  /** Loads what is missing. `now`: the user's clock. */
  want(view: View, at: number, now: number): void {
    this.#ground.want(view, at, now);
    this.#weather.want(view, at, now);
  }

  stop(): void {
    this.#ground.stop();
    this.#weather.stop();
  }
}

function around<R extends Row>(kind: HistoryKind, steps: readonly number[], rowsOf: (page: RegionHistory) => readonly R[]): AroundHour<Recorded<R>> {
  const load = async (box: Box, span: Span, signal: AbortSignal): Promise<Recorded<R> | undefined> => {
    for (const stepS of steps) {
      const pages: RegionHistory[] = [];
      let cursor: string | undefined;
      do {
        const response = await fetch(historyUrl(box, { ...span, stepS }, cursor, kind), { headers: { accept: 'application/x-protobuf' }, signal });
        if (!response.ok) return undefined;
        const page = decodeHistory(await response.arrayBuffer());
        pages.push(page);
        cursor = page.next || undefined;
      } while (cursor !== undefined && pages.length < MAX_PAGES);
      if (cursor === undefined || stepS === steps.at(-1)) return recordedOf(pages, rowsOf);
    }
    return undefined;
  };
  return new AroundHour<Recorded<R>>(NOTHING, { beforeMs: LIFETIME_MS, afterMs: HOUR_MS + AHEAD_MS, load });
}

/** The pages of a request together. */
export function recordedOf<R extends Row>(pages: readonly RegionHistory[], rowsOf: (page: RegionHistory) => readonly R[]): Recorded<R> {
  const rows = new Map<number, R[]>();
  for (const row of pages.flatMap(rowsOf)) {
    const known = rows.get(row.device);
    if (known) known.push(row);
    else rows.set(row.device, [row]);
  }
  return { rows, names: new Map(pages.flatMap(({ names }) => names).map(({ device, name }) => [device, name])) };
}

/** The people on the ground at a time, as the server would send them. */
export function groundAt(recorded: Recorded<PastGroundPosition>, at: number): GroundUpdate[] {
  return lastOf(recorded, at).map((row) => ({ ...placeOf(row), ...ageOf(row, at), device: row.device, name: recorded.names.get(row.device), ground_kind: row.ground_kind }));
}

/** The weather stations at a time, as the server would send them. */
export function stationsAt(recorded: Recorded<PastReading>, at: number): StationUpdate[] {
  return lastOf(recorded, at).map((row) => ({
    ...placeOf(row), ...ageOf(row, at), device: row.device, name: recorded.names.get(row.device),
    wind_from_deg: scaled(row.wind_from_deg, 1), wind_speed_dkmh: scaled(row.wind_speed_kmh, DKMH_PER_KMH), wind_gust_dkmh: scaled(row.wind_gust_kmh, DKMH_PER_KMH),
    temperature_dc: scaled(row.temperature_c, 10), humidity_pct: scaled(row.humidity_pct, 1), pressure_pa: scaled(row.pressure_hpa, 100),
    state_of_charge_pct: scaled(row.state_of_charge_pct, 1),
  }));
}

/** Of each device the newest row until a time, as long as it is shown. */
function lastOf<R extends Row>({ rows }: Recorded<R>, at: number): R[] {
  return [...rows.values()].flatMap((of) => {
    const last = of.findLast(({ event_at_us }) => event_at_us / 1000 <= at);
    return last && at - last.event_at_us / 1000 <= LIFETIME_MS ? [last] : [];
  });
}

function placeOf({ latitude_deg, longitude_deg }: { latitude_deg: number; longitude_deg: number }): { latitude_e7: number; longitude_e7: number } {
  return { latitude_e7: Math.round(latitude_deg * E7_PER_DEGREE), longitude_e7: Math.round(longitude_deg * E7_PER_DEGREE) };
}

function ageOf({ event_at_us }: Row, at: number): { version: number; age_ds: number } {
  const eventAt = event_at_us / 1000;
  return { version: eventAt, age_ds: Math.round((at - eventAt) / 100) };
}

function scaled(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : Math.round(value * factor);
}
