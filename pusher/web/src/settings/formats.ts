// Formats values in the user's units, language and time zone. Values come in the units of the protocol.
import { t } from './language';

const MINUS = '−';
/** For unknown values. */
export const UNKNOWN = '–';

export const UNITS = ['metric', 'imperial', 'aviation'] as const;
export type Units = (typeof UNITS)[number];
export const TIME_ZONES = ['local', 'utc'] as const;
export type TimeZone = (typeof TIME_ZONES)[number];

/** `factor`: from the unit of the protocol; `digits`: after the point. */
export interface Unit {
  name: string;
  factor: number;
  digits: number;
  /** Added after the factor; absent: 0. */
  offset?: number;
}

/** The unit of the map's scale bar, as MapLibre names it. */
export type Scale = 'metric' | 'imperial' | 'nautical';

const METRES: Unit = { name: 'm', factor: 1, digits: 0 };
const FEET: Unit = { name: 'ft', factor: 1 / 0.3048, digits: 0 };
const FEET_PER_MINUTE: Unit = { name: 'ft/min', factor: 60 / 0.3048, digits: 0 };

const CELSIUS: Unit = { name: '°C', factor: 1, digits: 1 };
const FAHRENHEIT: Unit = { name: '°F', factor: 1.8, digits: 0, offset: 32 };

const SYSTEMS: Record<Units, { altitude: Unit; climb: Unit; speed: Unit; distance: Unit; temperature: Unit; scale: Scale }> = {
  metric: { altitude: METRES, climb: { name: 'm/s', factor: 1, digits: 1 }, speed: { name: 'km/h', factor: 1, digits: 0 }, distance: { name: 'km', factor: 1, digits: 1 }, temperature: CELSIUS, scale: 'metric' },
  imperial: { altitude: FEET, climb: FEET_PER_MINUTE, speed: { name: 'mph', factor: 1 / 1.609344, digits: 0 }, distance: { name: 'mi', factor: 1 / 1.609344, digits: 1 }, temperature: FAHRENHEIT, scale: 'imperial' },
  aviation: { altitude: FEET, climb: FEET_PER_MINUTE, speed: { name: 'kt', factor: 1 / 1.852, digits: 0 }, distance: { name: 'NM', factor: 1 / 1.852, digits: 1 }, temperature: CELSIUS, scale: 'nautical' },
};

/** Writes values for one user. */
export class Formats {
  readonly #system: (typeof SYSTEMS)[Units];
  readonly #language: string;
  readonly #zone: TimeZone;

  constructor(units: Units, zone: TimeZone = 'local', language = 'en') {
    this.#system = SYSTEMS[units];
    this.#zone = zone;
    this.#language = language;
  }

  /** What values are written in. */
  get units(): (typeof SYSTEMS)[Units] {
    return this.#system;
  }

  /** `2588 m`. */
  altitude(metres: number | undefined): string {
    return metres === undefined ? UNKNOWN : withUnit(metres, this.#system.altitude);
  }

  /** `350 m AGL`: above the ground, which is this high; empty where one of them is not known. */
  aboveGround(altitudeM: number | undefined, groundM: number | undefined): string {
    return altitudeM === undefined || groundM === undefined ? '' : t('agl', { height: this.altitude(Math.max(0, altitudeM - groundM)) });
  }

  /** `1500–2000 m`. */
  band(fromM: number, toM: number): string {
    return `${this.altitude(fromM).replace(/\s.*/, '')}–${this.altitude(toM)}`;
  }

  /** `+2.1`, `−0.4`, without a unit; empty where it is not known. */
  climb(mps: number | undefined): string {
    if (mps === undefined) return '';
    const { factor, digits } = this.#system.climb;
    const text = Math.abs(mps * factor).toFixed(digits);
    return Number(text) === 0 ? text : `${mps < 0 ? MINUS : '+'}${text}`;
  }

  get climbUnit(): string {
    return this.#system.climb.name;
  }

  speed(kmh: number | undefined): string {
    return kmh === undefined ? UNKNOWN : withUnit(kmh, this.#system.speed);
  }

  get speedUnit(): string {
    return this.#system.speed.name;
  }

  /** A speed as a number alone, for a scale. */
  speedNumber(kmh: number): string {
    return String(Math.round(kmh * this.#system.speed.factor));
  }

  temperature(celsius: number | undefined): string {
    return celsius === undefined ? UNKNOWN : withUnit(celsius, this.#system.temperature);
  }

  distance(km: number): string {
    return withUnit(km, this.#system.distance);
  }

  /** `14:03`, `14:03Z`. */
  time(ms: number): string {
    return this.#clock(ms, { hour: '2-digit', minute: '2-digit' });
  }

  /** With seconds. */
  timeOfDay(ms: number): string {
    return this.#clock(ms, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
  }

  /** `14.07.2026, 18:00`, as the language has it. */
  dateTime(ms: number): string {
    return `${this.date(ms)}, ${this.time(ms)}`;
  }

  /** `2026-07-14 18:00:05`, in the user's zone. */
  sortableTime(ms: number): string {
    return this.clockText(ms).replace('T', ' ');
  }

  /** The user's clock minus UTC at this time, ms. */
  zoneOffsetMs(ms: number): number {
    return this.#zone === 'utc' ? 0 : -new Date(ms).getTimezoneOffset() * 60_000;
  }

  /** `UTC`, `Europe/Zurich`. */
  get zoneName(): string {
    return this.#zone === 'utc' ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone;
  }

  /** As an input of type `datetime-local` has it: the user's clock without a zone, with seconds. */
  clockText(ms: number): string {
    return new Date(ms + this.zoneOffsetMs(ms)).toISOString().slice(0, 19);
  }

  /** The time of such a text; undefined: no time, or none that can be. */
  clockTime(text: string): number | undefined {
    const clock = Date.parse(`${text}Z`);
    return Number.isFinite(clock) ? clock - this.zoneOffsetMs(clock) : undefined;
  }

  /** The day alone. */
  date(ms: number): string {
    return new Date(ms).toLocaleDateString(this.#language, { dateStyle: 'medium', ...(this.#zone === 'utc' && { timeZone: 'UTC' }) });
  }

  #clock(ms: number, parts: Intl.DateTimeFormatOptions): string {
    const utc = this.#zone === 'utc';
    return `${new Date(ms).toLocaleTimeString(this.#language, { ...parts, hourCycle: 'h23', ...(utc && { timeZone: 'UTC' }) })}${utc ? 'Z' : ''}`;
  }
}

/** From the unit of the protocol. */
export function convert(value: number, { factor, offset = 0 }: Unit): number {
  return value * factor + offset;
}

function withUnit(value: number, unit: Unit): string {
  const { name, digits } = unit;
  return `${convert(value, unit).toFixed(digits).replace(/^-(0(\.0*)?)$/, '$1').replace('-', MINUS)} ${name}`;
}

/** An integer with a unit that is the same for all users. */
export function formatInteger(value: number | undefined, unit: string): string {
  return value === undefined ? UNKNOWN : `${Math.round(value).toString().replace('-', MINUS)} ${unit}`;
}

/** `235° SW`, with the letters of the user's language. */
export function formatCourse(deg: number | undefined): string {
  if (deg === undefined) return UNKNOWN;
  return `${Math.round(deg) % 360}° ${t('compass').split(' ')[Math.round(deg / 22.5) % 16]}`;
}

/** `3 s`, `12 min`, `2 h`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 100) return `${seconds} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

/** `940 B`, `12 kB`, `1.3 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** `46.68765° N 7.86312° E`: the letters of coordinates are the same in all languages, since O is east in one and west in another. */
export function formatPosition(lat: number, lon: number): string {
  return `${Math.abs(lat).toFixed(5)}° ${lat < 0 ? 'S' : 'N'} ${Math.abs(lon).toFixed(5)}° ${lon < 0 ? 'W' : 'E'}`;
}
