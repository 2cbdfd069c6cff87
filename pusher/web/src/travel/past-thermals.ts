// The thermals of the region's past, out of the export of the history: each as it was last known.
import { CMPS_PER_MPS, DKMH_PER_KMH, E7_PER_DEGREE, type ThermalUpdate, type View } from 'updraft-client';
import { AroundHour } from './around-hour';
import type { ThermalsOfTime } from './past-air';
import type { Box } from './plan';
import type { Span } from './spans';

/** A recorded thermal. */
export interface PastThermal {
  /** Of its first and its last report, ms since the Unix epoch. */
  firstAt: number;
  lastAt: number;
  confidencePct: number;
  update: Omit<ThermalUpdate, 'version' | 'age_ds' | 'quality'>;
}

const HOUR_MS = 3_600_000;
/** Without a report its confidence halves in this time, as on the server, */
const HALF_LIFE_MS = HOUR_MS;
/** and at this confidence it ends, percent. */
const LEAST_PCT = 5;
/** How much one or two pilots confirm it; more do it fully. */
const CONFIRMED = [0.8, 0.8, 0.9] as const;
const MAX_QUALITY = 5;
/** One request has the thermals whose last report is so long before the shown hour, since they fade, */
const BEFORE_MS = 5 * HOUR_MS;
/** to so long after its begin. */
const AFTER_MS = 7 * HOUR_MS;

/** Loads the thermals around the hour that is shown. */
export class PastThermals implements ThermalsOfTime {
  readonly #around = new AroundHour<readonly PastThermal[]>([], { beforeMs: BEFORE_MS, afterMs: AFTER_MS, load: loadThermals });

  get changes(): number {
    return this.#around.changes;
  }

  /** Those of a time, as the server would send them. */
  at(at: number): ThermalUpdate[] {
    return this.#around.loaded.flatMap((thermal) => updateAt(thermal, at) ?? []);
  }

  /** Loads what is missing. `now`: the user's clock. */
  want(view: View, at: number, now: number): void {
    this.#around.want(view, at, now);
  }

  stop(): void {
    this.#around.stop();
  }
}

async function loadThermals(box: Box, span: Span, signal: AbortSignal): Promise<PastThermal[] | undefined> {
  const response = await fetch(thermalsUrl(box, span), { headers: { accept: 'text/csv' }, signal });
  return response.ok ? thermalsOf(await response.text()) : undefined;
}

export function thermalsUrl(box: Box, { from, to }: Span): string {
  const bounds = box.map((degrees) => degrees.toFixed(4)).join(',');
  return `./api/v1/export?kind=thermals&format=csv&bounds=${bounds}&from=${new Date(from).toISOString()}&to=${new Date(to).toISOString()}`;
}

/** Reads the table. None of its texts has a comma or a quote. */
export function thermalsOf(csv: string): PastThermal[] {
  const [head = '', ...lines] = csv.replaceAll('"', '').split(/\r?\n/);
  const columns = head.replace(/^\ufeff/, '').split(',');
  return lines.filter((line) => line !== '').flatMap((line) => {
    const cells = line.split(',');
    const text = (column: string) => cells[columns.indexOf(column)] ?? '';
    const known = (column: string) => (text(column) === '' ? undefined : Number(text(column)));
    const number = (column: string) => known(column) ?? 0;
    const scaled = (column: string, factor: number) => Math.round(number(column) * factor);
    const [firstAt, lastAt] = [Date.parse(text('first_seen_at_utc')), Date.parse(text('last_seen_at_utc'))];
    if (text('thermal_id') === '' || !Number.isFinite(firstAt) || !Number.isFinite(lastAt)) return [];
    const [from, speed] = [known('wind_from_deg'), known('wind_speed_kmh')];
    return [{
      firstAt, lastAt, confidencePct: number('confidence_pct'),
      update: {
        thermal_id: text('thermal_id'), latitude_e7: scaled('latitude_deg', E7_PER_DEGREE), longitude_e7: scaled('longitude_deg', E7_PER_DEGREE),
        base_altitude_m: scaled('base_altitude_m', 1), top_altitude_m: scaled('top_altitude_m', 1), mean_climb_cmps: scaled('mean_climb_mps', CMPS_PER_MPS),
        max_climb_cmps: scaled('max_climb_mps', CMPS_PER_MPS), radius_m: scaled('radius_m', 1), pilots: number('pilots'),
        ...(from !== undefined && { wind_from_deg: Math.round(from) }), ...(speed !== undefined && { wind_speed_dkmh: Math.round(speed * DKMH_PER_KMH) }),
      },
    }];
  });
}

/** Undefined: it was not reported yet, or had ended. */
export function updateAt({ firstAt, lastAt, confidencePct, update }: PastThermal, at: number): ThermalUpdate | undefined {
  const ageMs = Math.max(0, at - lastAt);
  const confidence = confidencePct * 0.5 ** (ageMs / HALF_LIFE_MS);
  if (at < firstAt || confidence < LEAST_PCT) return undefined;
  const quality = Math.round((Math.min(100, confidence) / 100) * (CONFIRMED[update.pilots] ?? 1) * MAX_QUALITY);
  return { ...update, quality, version: Math.floor(at), age_ds: Math.round(ageMs / 100) };
}
