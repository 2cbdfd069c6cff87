import { BASE_MAPS, type BaseMap } from '../config';
import { THEMES, type Theme } from '../basemap/theme';
import { COLOUR_SCALES, type ColourScale } from '../map/symbols/colour';
import { TIME_ZONES, UNITS, type TimeZone, type Units } from './formats';

export const DATA_USES = ['auto', 'live', 'saving'] as const;
/** How often updates come: by network and battery, always live, or rarely. */
export type DataUse = (typeof DATA_USES)[number];

/** The choices of one user, kept in the browser. Absent: never chosen. */
export interface Preferences {
  units?: Units;
  zone?: TimeZone;
  theme?: Theme;
  language?: string;
  colour?: ColourScale;
  baseMap?: BaseMap;
  sound?: boolean;
  data?: DataUse;
  /** Notifications about followed pilots. */
  notify?: boolean;
  /** Keys of one character act. */
  keys?: boolean;
  /** The band of the wind aloft, its lowest altitude in metres. */
  windBand?: number;
}

const KEY = 'updraft-settings';

/** Reads the known preferences of a stored text. */
export function parsePreferences(text: string | null): Preferences {
  let stored: unknown;
  try {
    stored = JSON.parse(text ?? '{}');
  } catch {
    return {};
  }
  if (typeof stored !== 'object' || stored === null) return {};
  const { units, zone, theme, language, colour, baseMap, sound, data, notify, keys, windBand } = stored as Record<string, unknown>;
  return {
    ...one('units', UNITS, units), ...one('zone', TIME_ZONES, zone), ...one('theme', THEMES, theme),
    ...one('colour', COLOUR_SCALES, colour), ...one('baseMap', BASE_MAPS, baseMap), ...one('data', DATA_USES, data),
    ...(typeof language === 'string' && { language }), ...(typeof sound === 'boolean' && { sound }), ...(typeof notify === 'boolean' && { notify }), ...(typeof keys === 'boolean' && { keys }),
    ...(typeof windBand === 'number' && Number.isFinite(windBand) && { windBand }),
  };
}

export function loadPreferences(): Preferences {
  try {
    return parsePreferences(localStorage.getItem(KEY));
  } catch {
    // A browser may refuse to store anything.
    return {};
  }
}

export function storePreferences(preferences: Preferences): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences));
  } catch {
    // The choice holds until the page is closed.
  }
}

function one<N extends string, T>(name: N, known: readonly T[], value: unknown): Partial<Record<N, T>> {
  const found = known.find((possible) => possible === value);
  return found === undefined ? {} : { [name]: found } as Record<N, T>;
}
