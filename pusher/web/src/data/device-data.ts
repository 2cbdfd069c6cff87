// What the history has of one device, for its table and charts.
import { formatAddress } from 'updraft-client';
import type { Observation, Reading } from './table';

interface TrackAnswer {
  segments?: { points?: { event_at_us: string; latitude_deg: number; longitude_deg: number; altitude_m?: number; speed_kmh?: number; climb_mps?: number; course_deg?: number }[] }[];
}

interface WeatherAnswer {
  readings?: { event_at_us?: string; wind_speed_kmh?: number; wind_gust_kmh?: number; wind_from_deg?: number; temperature_c?: number; humidity_pct?: number; pressure_hpa?: number }[];
}

/** All recorded positions of a device, as they were received. Undefined: the server cannot be reached, or has none. */
export async function fetchObservations(device: number, hours: number): Promise<Observation[] | undefined> {
  const answer = await ask<TrackAnswer>(`track/${formatAddress(device)}?hours=${hours}&level=raw`);
  return answer && observationsOf(answer);
}

export function observationsOf({ segments = [] }: TrackAnswer): Observation[] {
  return segments.flatMap(({ points = [] }) => points.map((point) => ({
    at: Number(point.event_at_us) / 1000, lat: point.latitude_deg, lon: point.longitude_deg,
    ...known({ altitudeM: point.altitude_m, speedKmh: point.speed_kmh, climbMps: point.climb_mps, courseDeg: point.course_deg }),
  })));
}

/** All measurements of a weather station. */
export async function fetchReadings(device: number, hours: number): Promise<Reading[] | undefined> {
  const answer = await ask<WeatherAnswer>(`weather/${formatAddress(device)}/history?hours=${hours}`);
  return answer && readingsOf(answer);
}

export function readingsOf({ readings = [] }: WeatherAnswer): Reading[] {
  return readings.flatMap((one) => (one.event_at_us === undefined ? [] : [{
    at: Number(one.event_at_us) / 1000,
    ...known({
      windKmh: one.wind_speed_kmh, gustKmh: one.wind_gust_kmh, windFromDeg: one.wind_from_deg, temperatureC: one.temperature_c,
      humidityPct: one.humidity_pct, pressureHpa: one.pressure_hpa,
    }),
  }]));
}

async function ask<T>(path: string): Promise<T | undefined> {
  try {
    const response = await fetch(`./api/v1/${path}`, { headers: { accept: 'application/json' } });
    return response.ok ? await response.json() as T : undefined;
  } catch {
    return undefined;
  }
}

/** Without the fields that are not known. */
function known<T extends Record<string, number | undefined>>(fields: T): { [K in keyof T]?: number } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: number };
}
