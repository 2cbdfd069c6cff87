// Zones in view, polled from the REST API: they change when an operator imports some.

import { t } from '../settings/language';

/** Loaded again after this time, ms; without a change the server answers without a body. */
const REFRESH_MS = 300_000;

export type ZoneFeature = GeoJSON.Feature<GeoJSON.Polygon | GeoJSON.MultiPolygon, ZoneProperties>;

export interface ZoneProperties {
  set: string;
  name: string;
  /** As airspace files have it, for example `CTR`. */
  class: string;
  /** `GND`, `FL95`, `1371.6 m`, `300 m AGL`, `UNL`. */
  floor: string;
  ceiling: string;
  /** RFC 3339, UTC; null: no limit. */
  valid_from: string | null;
  valid_until: string | null;
}

/** The zones in view, while their layer is shown. */
export class Zones {
  #zones: readonly ZoneFeature[] = [];
  #requestedAt = 0;
  #requested = '';

  get all(): readonly ZoneFeature[] {
    return this.#zones;
  }

  /** The sets of those in view. */
  get sets(): string[] {
    return [...new Set(this.#zones.map(({ properties }) => properties.set))].sort();
  }

  /** They are others now: the next call of `want` loads them. */
  forget(): void {
    this.#requested = '';
  }

  /** Loads the zones when that is due. `bounds`: south, west, north, east; undefined: the layer is not shown. */
  want(bounds: readonly [number, number, number, number] | undefined, now: number): void {
    if (!bounds) return;
    const query = around(bounds).join(',');
    if (query === this.#requested && now - this.#requestedAt < REFRESH_MS) return;
    this.#requested = query;
    this.#requestedAt = now;
    void fetchZones(query).then((zones) => {
      if (zones && query === this.#requested) this.#zones = zones.filter((zone) => isValid(zone, Date.now()));
    });
  }
}

/** Full degrees outwards, so that small moves of the map load nothing. */
export function around([south, west, north, east]: readonly [number, number, number, number]): [number, number, number, number] {
  return [Math.max(-90, Math.floor(south)), Math.floor(west), Math.min(90, Math.ceil(north)), Math.ceil(east)];
}

export function isValid({ properties }: ZoneFeature, now: number): boolean {
  const { valid_from: from, valid_until: until } = properties;
  return (from === null || Date.parse(from) <= now) && (until === null || now < Date.parse(until));
}

/** A limit in the user's units: `1371.6 m` becomes `4500 ft`. */
export function limitText(limit: string, altitude: (metres: number) => string): string {
  const [, metres, reference] = /^(-?[\d.]+) m( AGL)?$/.exec(limit) ?? [];
  if (metres === undefined) return limit;
  const height = altitude(Number(metres));
  return reference === undefined ? height : t('agl', { height });
}

async function fetchZones(bounds: string): Promise<ZoneFeature[] | undefined> {
  try {
    const response = await fetch(`./api/v1/zones?bounds=${bounds}`);
    return response.ok ? (await response.json() as { features?: ZoneFeature[] }).features ?? [] : undefined;
  } catch {
    return undefined;
  }
}
