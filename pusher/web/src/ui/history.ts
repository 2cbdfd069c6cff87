import { formatAddress } from 'updraft-client';
import type { Scene } from '../map/scene';
import { t } from '../settings/language';
import { h, setText } from './dom';

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
  temperatureC?: number;
}

/** Wind, gusts and temperature of a weather station's last hours. */
export class StationHistory {
  readonly #picture = document.createElementNS(NS, 'svg');
  readonly #numbers = h('p', { class: 'small', 'aria-hidden': 'true' });
  readonly element = h('div', {}, this.#numbers);
  readonly #wind = document.createElementNS(NS, 'path');
  readonly #gusts = document.createElementNS(NS, 'path');
  readonly #temperature = document.createElementNS(NS, 'path');
  #device: number | undefined;
  #requestedAt = 0;
  #measurements: readonly Measurement[] = [];

  constructor() {
    this.#picture.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    this.#picture.setAttribute('preserveAspectRatio', 'none');
    this.#picture.setAttribute('class', 'profile station');
    this.#picture.setAttribute('role', 'img');
    this.#wind.setAttribute('class', 'line');
    this.#gusts.setAttribute('class', 'gusts');
    this.#temperature.setAttribute('class', 'temperature');
    this.element.prepend(this.#picture);
    this.#picture.append(this.#temperature, this.#gusts, this.#wind);
  }

  /** `device`: undefined where no station is selected. */
  show(device: number | undefined, { now, formats }: Scene): void {
    if (device !== this.#device) {
      this.#device = device;
      this.#measurements = [];
      this.#requestedAt = 0;
    }
    if (device !== undefined && now - this.#requestedAt >= REFRESH_MS) this.#ask(device, now);
    this.element.hidden = device === undefined || this.#measurements.length < 2;
    const highest = Math.max(10, ...this.#measurements.map(({ windKmh, gustKmh }) => Math.max(windKmh ?? 0, gustKmh ?? 0)));
    this.#wind.setAttribute('d', linesOf(this.#measurements, 'windKmh', [0, highest], now));
    this.#gusts.setAttribute('d', linesOf(this.#measurements, 'gustKmh', [0, highest], now));
    const temperatures = this.#measurements.flatMap(({ temperatureC }) => temperatureC ?? []);
    const [coldest, warmest] = [Math.min(...temperatures), Math.max(...temperatures)];
    // A scale of its own, of 5 °C at least.
    this.#temperature.setAttribute('d', linesOf(this.#measurements, 'temperatureC', [coldest, Math.max(warmest, coldest + 5)], now));
    const label = t('history.label', { hours: HOURS, high: formats.speed(highest) })
      + (temperatures.length === 0 ? '' : ` · ${t('fact.temperature')} ${formats.temperature(coldest)} – ${formats.temperature(warmest)}`);
    setText(this.#numbers, label);
    if (this.#picture.getAttribute('aria-label') !== label) this.#picture.setAttribute('aria-label', label);
  }

  #ask(device: number, now: number): void {
    this.#requestedAt = now;
    void fetchHistory(device).then((measurements) => {
      if (device === this.#device && measurements) this.#measurements = measurements;
    });
  }
}

function linesOf(measurements: readonly Measurement[], value: Exclude<keyof Measurement, 'at'>, [low, high]: readonly [number, number], now: number): string {
  let before: number | undefined;
  return measurements.map((measurement) => {
    const known = measurement[value];
    if (known === undefined) return '';
    const start = before === undefined || measurement.at - before > GAP_MS;
    before = measurement.at;
    const x = WIDTH * (1 - (now - measurement.at) / (HOURS * 3_600_000));
    return `${start ? 'M' : 'L'}${x.toFixed(1)} ${(HEIGHT - 3 - ((known - low) / (high - low)) * (HEIGHT - 6)).toFixed(1)}`;
  }).join('');
}

interface Answer {
  readings?: { event_at_us?: string; wind_speed_kmh?: number; wind_gust_kmh?: number; temperature_c?: number }[];
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
  return readings.flatMap(({ event_at_us, wind_speed_kmh, wind_gust_kmh, temperature_c }) => (event_at_us === undefined ? [] : [{
    at: Number(event_at_us) / 1000,
    ...(wind_speed_kmh !== undefined && { windKmh: wind_speed_kmh }), ...(wind_gust_kmh !== undefined && { gustKmh: wind_gust_kmh }),
    ...(temperature_c !== undefined && { temperatureC: temperature_c }),
  }]));
}
