import { formatAddress } from 'updraft-client';
import type { Scene } from '../map/scene';
import { t } from '../settings/language';

const NS = 'http://www.w3.org/2000/svg';
const WIDTH = 280;
const HEIGHT = 64;
const HOURS = 12;
/** The history is loaded again after this time, ms. */
const REFRESH_MS = 120_000;
/** A longer silence breaks the lines, ms. */
const GAP_MS = 45 * 60_000;

export interface Measurement {
  at: number;
  windKmh?: number;
  gustKmh?: number;
}

/** Wind and gusts of a weather station's last hours. */
export class StationHistory {
  readonly element = document.createElementNS(NS, 'svg');
  readonly #wind = document.createElementNS(NS, 'path');
  readonly #gusts = document.createElementNS(NS, 'path');
  #device: number | undefined;
  #requestedAt = 0;
  #measurements: readonly Measurement[] = [];

  constructor() {
    this.element.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    this.element.setAttribute('preserveAspectRatio', 'none');
    this.element.setAttribute('class', 'profile station');
    this.element.setAttribute('role', 'img');
    this.#wind.setAttribute('class', 'line');
    this.#gusts.setAttribute('class', 'gusts');
    this.element.append(this.#gusts, this.#wind);
  }

  /** `device`: undefined where no station is selected. */
  show(device: number | undefined, { now, formats }: Scene): void {
    if (device !== this.#device) {
      this.#device = device;
      this.#measurements = [];
      this.#requestedAt = 0;
    }
    if (device !== undefined && now - this.#requestedAt >= REFRESH_MS) this.#ask(device, now);
    this.element.toggleAttribute('hidden', device === undefined || this.#measurements.length < 2);
    const highest = Math.max(10, ...this.#measurements.map(({ windKmh, gustKmh }) => Math.max(windKmh ?? 0, gustKmh ?? 0)));
    this.#wind.setAttribute('d', linesOf(this.#measurements, 'windKmh', highest, now));
    this.#gusts.setAttribute('d', linesOf(this.#measurements, 'gustKmh', highest, now));
    const label = t('history.label', { hours: HOURS, high: formats.speed(highest) });
    if (this.element.getAttribute('aria-label') !== label) this.element.setAttribute('aria-label', label);
  }

  #ask(device: number, now: number): void {
    this.#requestedAt = now;
    void fetchHistory(device).then((measurements) => {
      if (device === this.#device && measurements) this.#measurements = measurements;
    });
  }
}

function linesOf(measurements: readonly Measurement[], value: 'windKmh' | 'gustKmh', highest: number, now: number): string {
  let before: number | undefined;
  return measurements.map((measurement) => {
    const kmh = measurement[value];
    if (kmh === undefined) return '';
    const start = before === undefined || measurement.at - before > GAP_MS;
    before = measurement.at;
    const x = WIDTH * (1 - (now - measurement.at) / (HOURS * 3_600_000));
    return `${start ? 'M' : 'L'}${x.toFixed(1)} ${(HEIGHT - 3 - (kmh / highest) * (HEIGHT - 6)).toFixed(1)}`;
  }).join('');
}

interface Answer {
  readings?: { event_at_us?: string; wind_speed_kmh?: number; wind_gust_kmh?: number }[];
}

async function fetchHistory(device: number): Promise<Measurement[] | undefined> {
  try {
    const response = await fetch(`./api/v1/weather/${formatAddress(device)}/history?hours=${HOURS}`, { headers: { accept: 'application/json' } });
    return response.ok ? measurementsOf(await response.json() as Answer) : undefined;
  } catch {
    return undefined;
  }
}

export function measurementsOf({ readings = [] }: Answer): Measurement[] {
  return readings.flatMap(({ event_at_us, wind_speed_kmh, wind_gust_kmh }) => (event_at_us === undefined ? [] : [{
    at: Number(event_at_us) / 1000,
    ...(wind_speed_kmh !== undefined && { windKmh: wind_speed_kmh }), ...(wind_gust_kmh !== undefined && { gustKmh: wind_gust_kmh }),
  }]));
}
