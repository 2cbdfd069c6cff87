// The wind aloft by cell and altitude band, polled from the REST API: it changes with every climb, slowly, and is not sent live.

/** Bands are as high as this, metres; the server chose it. */
export const BAND_M = 500;
/** The band that is shown unless the user chooses: its lowest altitude, metres. */
export const FIRST_BAND_M = 2000;
/** Bands that can be chosen whether there is a wind in them or not: up to this altitude, metres. */
const HIGHEST_M = 5000;
/** Loaded again after this time, ms. */
const REFRESH_MS = 60_000;

export interface Wind {
  /** Geohash. */
  cell: string;
  lat: number;
  lon: number;
  baseM: number;
  topM: number;
  fromDeg: number;
  kmh: number;
  pilots: number;
  /** 0 to 100, when it was last seen. */
  confidencePct: number;
  /** Ms since the Unix epoch. */
  lastSeenAt: number;
}

/** Of one cell and one band. */
export function windId({ cell, baseM }: Wind): string {
  return `${cell}/${baseM}`;
}

/** The lowest altitude of the band that an id names; undefined: it names a cell alone. */
export function bandOf(id: string): number | undefined {
  const band = /^[^/]+\/(-?\d+)$/.exec(id)?.[1];
  return band === undefined ? undefined : Number(band);
}

/** The wind with this id; where that is a cell alone, the one in the band or next to it. */
export function windOf(id: string, winds: readonly Wind[], bandM: number): Wind | undefined {
  if (bandOf(id) !== undefined) return winds.find((wind) => windId(wind) === id);
  const away = ({ baseM }: Wind) => Math.abs(baseM - bandM);
  return winds.filter(({ cell }) => cell === id).sort((a, b) => away(a) - away(b))[0];
}

interface Answer {
  winds?: {
    wind?: { cell: string; base_altitude_m: number; top_altitude_m: number; wind_from_deg: number; wind_speed_kmh: number; pilots: number; confidence_pct: number; last_seen_at_us: string };
    position?: { latitude_deg: number; longitude_deg: number };
  }[];
}

/** The winds in view, while their layer is shown. */
export class Winds {
  #winds: readonly Wind[] = [];
  #requestedAt = 0;
  #requested = '';

  get all(): readonly Wind[] {
    return this.#winds;
  }

  /** Loads the winds when that is due. `bounds`: south, west, north, east; undefined: the layer is not shown. */
  want(bounds: readonly [number, number, number, number] | undefined, now: number): void {
    if (!bounds) return;
    const query = bounds.map((degrees) => degrees.toFixed(1)).join(',');
    if (query === this.#requested && now - this.#requestedAt < REFRESH_MS) return;
    this.#requested = query;
    this.#requestedAt = now;
    void fetchWinds(query).then((winds) => {
      if (winds && query === this.#requested) this.#winds = winds;
    });
  }
}

export function windsOf({ winds = [] }: Answer): Wind[] {
  return winds.flatMap(({ wind, position }) => (!wind || !position ? [] : [{
    cell: wind.cell, lat: position.latitude_deg, lon: position.longitude_deg, baseM: wind.base_altitude_m, topM: wind.top_altitude_m, fromDeg: wind.wind_from_deg,
    kmh: wind.wind_speed_kmh, pilots: wind.pilots, confidencePct: wind.confidence_pct, lastSeenAt: Number(wind.last_seen_at_us) / 1000,
  }]));
}

/** The bands that can be chosen, by their lowest altitude, each with the number of its winds. */
export function bandsOf(winds: readonly Wind[]): { baseM: number; count: number }[] {
  const bases = new Set(winds.map(({ baseM }) => baseM));
  for (let baseM = 0; baseM < HIGHEST_M; baseM += BAND_M) bases.add(baseM);
  return [...bases].sort((a, b) => a - b).map((baseM) => ({ baseM, count: winds.filter((wind) => wind.baseM === baseM).length }));
}

async function fetchWinds(bounds: string): Promise<Wind[] | undefined> {
  try {
    const response = await fetch(`./api/v1/winds?bounds=${bounds}`, { headers: { accept: 'application/json' } });
    return response.ok ? windsOf(await response.json() as Answer) : undefined;
  } catch {
    return undefined;
  }
}
