import { formatAddress } from '../live/address';
import type { Fix } from './extrapolate';

/** How far back the track of what is selected goes, hours. */
export const PAST_HOURS = 6;
/** What a pilot's programs read. */
export const PAST_FILES = ['gpx', 'igc', 'kml'] as const;
/** Enough for a screen; the server leaves out what is missed least. */
const MAX_POINTS = 2000;
/** The server is asked again after this time, ms: what comes meanwhile is in the live trail. */
const REFRESH_MS = 60_000;

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

/** The recorded track of the device that is selected. Without a history on the server there is none, and nothing is missed. */
export class Past {
  #device: number | undefined;
  #askedAt = 0;
  #segments: readonly (readonly Fix[])[] = [];

  /** Oldest first, cut where nothing was heard. */
  get segments(): readonly (readonly Fix[])[] {
    return this.#segments;
  }

  /** Asks for the track of a device when that is due; undefined: of none. */
  want(device: number | undefined, now: number): void {
    if (device !== this.#device) {
      this.#device = device;
      this.#segments = [];
      this.#askedAt = 0;
    }
    if (device === undefined || now - this.#askedAt < REFRESH_MS) return;
    this.#askedAt = now;
    void fetchTrack(device).then((track) => {
      if (track && device === this.#device) this.#segments = track.segments.map(({ points }) => points.map(fixOf));
    });
  }
}

/** Where a track is to be had as a file. */
export function trackUrl(device: number, format: (typeof PAST_FILES)[number]): string {
  return `./api/v1/track/${formatAddress(device)}?hours=12&format=${format}`;
}

async function fetchTrack(device: number): Promise<Track | undefined> {
  try {
    const response = await fetch(`./api/v1/track/${formatAddress(device)}?hours=${PAST_HOURS}&max_points=${MAX_POINTS}`);
    return response.ok ? await response.json() as Track : undefined;
  } catch {
    return undefined;
  }
}

function fixOf(point: TrackPoint): Fix {
  return {
    at: Number(point.event_at_us) / 1000, lat: point.latitude_deg, lon: point.longitude_deg,
    ...(point.altitude_m !== undefined && { altitudeM: point.altitude_m }),
    ...(point.climb_mps !== undefined && { climbMps: point.climb_mps }),
  };
}
