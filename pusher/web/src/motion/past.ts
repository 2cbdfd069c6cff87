import { formatAddress } from 'updraft-client';
import type { Fix } from './extrapolate';
import type { PastFlight } from './flights';

/** The age of the oldest point of the selected object's track, hours: the longest flights are within it. */
export const PAST_HOURS = 12;
/** A download without a chosen flight has what is shown, hours. */
export const FILE_HOURS = PAST_HOURS;
/** The forms of a track as a file; those that pilots' programs read are first. */
export const PAST_FILES = ['gpx', 'igc', 'kml', 'geojson', 'csv', 'json'] as const;
export type PastFile = (typeof PAST_FILES)[number];
/** The last hours, or a flight. */
export type Period = { hours: number } | { from: number; to: number };
/** In the past a track goes so far to both sides of the time that is shown, hours. */
export const AROUND_HOURS = FILE_HOURS / 2;
const HOUR_MS = 3_600_000;
/** Around a flight, ms: its ends stand between two positions. */
const MARGIN_MS = 60_000;
/** Enough for a screen; the server leaves out the least important points. */
const MAX_POINTS = 2000;
/**
 * When the track is loaded again, ms: soon while it is short, so that a pilot who has just taken off is seen
 * flying; rarely once it is long, since a long answer costs more and the live trail shows the newest minutes anyway.
 */
export function refreshAfterMs(points: number): number {
  return Math.min(60_000, 3_000 + 50 * points);
}

interface TrackPoint {
  event_at_us: string;
  latitude_deg: number;
  longitude_deg: number;
  altitude_m?: number;
  climb_mps?: number;
}

export interface Track {
  segments: { points: TrackPoint[] }[];
}

/** The recorded track of the selected device. Without a history on the server there is none. */
export class Past {
  #device: number | undefined;
  #flight: PastFlight | undefined;
  #period: Period = { hours: PAST_HOURS };
  #requestedAt = 0;
  #segments: readonly (readonly Fix[])[] = [];
  #points = 0;

  /** Oldest first, split where nothing was heard. */
  get segments(): readonly (readonly Fix[])[] {
    return this.#segments;
  }

  /** The flight that is shown in place of the last hours. */
  get flight(): PastFlight | undefined {
    return this.#flight;
  }

  /**
   * Loads the track of a device when that is due; undefined: no device. `flight`: shown in place of the last hours, and of the
   * hours `around` a time of the past.
   */
  want(device: number | undefined, now: number, flight?: PastFlight, around?: Period): void {
    const period = flight ?? around ?? { hours: PAST_HOURS };
    if (device !== this.#device || periodQuery(period) !== periodQuery(this.#period)) {
      this.#device = device;
      this.#flight = flight;
      this.#period = period;
      this.#segments = [];
      this.#points = 0;
      this.#requestedAt = 0;
    }
    if (device === undefined || now - this.#requestedAt < refreshAfterMs(this.#points)) return;
    this.#requestedAt = now;
    const asked = this.#period;
    void fetchTrack(device, asked, MAX_POINTS).then((segments) => {
      if (!segments || device !== this.#device || asked !== this.#period) return;
      this.#segments = segments;
      this.#points = this.#segments.reduce((sum, { length }) => sum + length, 0);
    });
  }
}

/** The hours around a time of the past: the same while it plays for an hour. */
export function aroundTime(at: number): Period {
  const hour = Math.floor(at / HOUR_MS) * HOUR_MS;
  return { from: hour - AROUND_HOURS * HOUR_MS, to: hour + AROUND_HOURS * HOUR_MS };
}

/** Of a track what had happened at a time. */
export function segmentsUntil(segments: readonly (readonly Fix[])[], at: number): readonly (readonly Fix[])[] {
  return segments.map((segment) => segment.filter((fix) => fix.at <= at)).filter(({ length }) => length > 0);
}

/** The address of a track as a file. */
export function trackUrl(device: number, format: PastFile, period: Period): string {
  return `./api/v1/track/${formatAddress(device)}?${periodQuery(period)}&format=${format}`;
}

/** `110B90-2026-07-14.igc`. */
export function fileName(device: number, format: PastFile, period: Period, now: number): string {
  return `${formatAddress(device)}-${new Date('from' in period ? period.from : now).toISOString().slice(0, 10)}.${format}`;
}

/** The parameters of the API for a period. */
export function periodQuery(period: Period): string {
  if ('hours' in period) return `hours=${period.hours}`;
  const text = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
  return `from=${text(period.from - MARGIN_MS)}&to=${text(period.to + MARGIN_MS)}`;
}

/** Loads a recorded track, cut where nothing was heard; undefined when the server has none or cannot be reached. */
export async function fetchTrack(device: number, period: Period, maxPoints: number): Promise<Fix[][] | undefined> {
  try {
    const response = await fetch(`./api/v1/track/${formatAddress(device)}?${periodQuery(period)}&max_points=${maxPoints}`);
    return response.ok ? (await response.json() as Track).segments.map(({ points }) => points.map(fixOf)) : undefined;
  } catch {
    return undefined;
  }
}

/** A recorded flight and what came since, oldest first. */
export function withTrail(recorded: readonly Fix[], trail: readonly Fix[]): readonly Fix[] {
  const until = recorded.at(-1)?.at ?? 0;
  return [...recorded, ...trail.filter(({ at }) => at > until)];
}

function fixOf(point: TrackPoint): Fix {
  return {
    at: Number(point.event_at_us) / 1000, lat: point.latitude_deg, lon: point.longitude_deg,
    ...(point.altitude_m !== undefined && { altitudeM: point.altitude_m }),
    ...(point.climb_mps !== undefined && { climbMps: point.climb_mps }),
  };
}
