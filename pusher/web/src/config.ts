import type { Encoding } from './terrain/dem';

/** A PMTiles archive of elevations. */
export interface TerrainSource {
  url: string;
  encoding: Encoding;
}

/** The server's settings of the first view and the base maps. */
export interface Config {
  center: [lon: number, lat: number];
  zoom: number;
  /** Of a MapLibre style that users may choose. */
  styleUrl: string | undefined;
  /** Of the operator's base map, a PMTiles archive. */
  basemap: string | undefined;
  terrain: TerrainSource | undefined;
}

export const BASE_MAPS = ['outline', 'file', 'style'] as const;
/** The built-in outline, the operator's archive, or the style. */
export type BaseMap = (typeof BASE_MAPS)[number];

const ALPS: Config = { center: [8.0, 46.6], zoom: 8, styleUrl: undefined, basemap: undefined, terrain: undefined };

const KEY = 'updraft-config';

/** Loads the settings from the server; without an answer the last ones are used, else the Alps are shown. */
export async function loadConfig(): Promise<Config> {
  try {
    const response = await fetch('./config.json');
    if (!response.ok) return merge(undefined);
    const answer: unknown = await response.json();
    keep(answer);
    return merge(answer);
  } catch {
    return merge(lastAnswer());
  }
}

function keep(answer: unknown): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(answer));
  } catch {
    // A browser may refuse to store anything: only a start without a network is affected.
  }
}

function lastAnswer(): unknown {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? 'null');
  } catch {
    return undefined;
  }
}

/** Uses the valid settings and ignores the others. */
export function merge(answer: unknown): Config {
  if (typeof answer !== 'object' || answer === null) return ALPS;
  const { center, zoom, style, basemap, terrain } = answer as Record<string, unknown>;
  const [lon, lat] = Array.isArray(center) ? center : [];
  return {
    center: Number.isFinite(lon) && Number.isFinite(lat) ? [lon, lat] : ALPS.center,
    zoom: typeof zoom === 'number' && Number.isFinite(zoom) ? zoom : ALPS.zoom,
    styleUrl: textOf(style),
    basemap: textOf(basemap),
    terrain: terrainOf(terrain),
  };
}

/** The base maps that there are. */
export function baseMapsOf({ styleUrl, basemap }: Config): BaseMap[] {
  return BASE_MAPS.filter((one) => one === 'outline' || (one === 'file' ? basemap : styleUrl) !== undefined);
}

/**
 * The base map to begin with. `?style=` in the page's address chooses among those of the server, by the style's address or
 * as `offline`; any other address is ignored. Without it: the user's last choice, else the best one that needs no
 * other host.
 */
export function firstBaseMap(config: Config, search: string, stored: string | null, here: string): BaseMap {
  const possible = baseMapsOf(config);
  const requested = new URLSearchParams(search).get('style');
  if (requested === 'offline') return 'outline';
  if (requested !== null && requested !== '' && requested === config.styleUrl) return 'style';
  const chosen = possible.find((one) => one === stored);
  if (chosen) return chosen;
  if (possible.includes('file')) return 'file';
  return config.styleUrl !== undefined && new URL(config.styleUrl, here).origin === new URL(here).origin ? 'style' : 'outline';
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function terrainOf(value: unknown): TerrainSource | undefined {
  const { url, encoding } = (value ?? {}) as Record<string, unknown>;
  const known = textOf(url);
  if (known === undefined) return undefined;
  return { url: known, encoding: encoding === 'mapbox' ? 'mapbox' : 'terrarium' };
}
