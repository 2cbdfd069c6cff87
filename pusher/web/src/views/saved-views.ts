// Views of the map and settings that a signed-in person keeps at the server, in the texts of `/api/v1/me`.
import type { View } from 'updraft-client';
import { BASE_MAPS, type BaseMap } from '../config';
import { LAYER_KEYS, type LayerKey } from '../map/layers/layer';
import { COLOUR_SCALES, type ColourScale } from '../map/symbols/colour';
import { parsePreferences, type Preferences } from '../settings/preferences';
import { boxOf } from '../travel/plan';
import { parseFilter, writeFilter, type Filter } from '../ui/filter';

/** What a saved view brings back. */
export interface MapState {
  view: View;
  filter: Filter;
  hidden: readonly LayerKey[];
  colour: ColourScale;
  baseMap: BaseMap;
  /** The terrain is shown in 3D. */
  raised: boolean;
}

type Texts = Readonly<Record<string, string>>;

/** A view as the server keeps it. */
export interface SavedView {
  name: string;
  south_deg: number;
  west_deg: number;
  north_deg: number;
  east_deg: number;
  filters: Texts;
  display: Texts;
}

/** Everything that the server keeps for a person. It is written as one: what other programs keep there stays. */
export interface Kept {
  views: readonly SavedView[];
  display: Texts;
}

/** The longest name, in characters. */
export const MAX_NAME = 80;
/** Settings that are of a person. Data use and notifications are of a browser. */
const PERSONAL = ['units', 'zone', 'theme', 'language', 'colour', 'baseMap', 'sound', 'windBand'] as const;

export function savedFrom(name: string, { view, filter, hidden, colour, baseMap, raised }: MapState): SavedView {
  const [south_deg, west_deg, north_deg, east_deg] = boxOf(view).map((degrees) => Number(degrees.toFixed(6))) as [number, number, number, number];
  return {
    name, south_deg, west_deg, north_deg, east_deg,
    filters: { show: writeFilter(filter) },
    display: { hide: hidden.join(','), colour, base: baseMap, terrain: raised ? '3d' : 'flat' },
  };
}

/** Unknown texts leave the setting as it is. */
export function stateOf({ south_deg: south, west_deg: west, north_deg: north, east_deg: east, filters, display }: SavedView, now: MapState): MapState {
  const hidden = display.hide?.split(',');
  const one = <T>(known: readonly T[], value: unknown, otherwise: T) => known.find((possible) => possible === value) ?? otherwise;
  return {
    view: { south, west, north, east: east <= west ? east + 360 : east },
    filter: parseFilter(filters.show ?? null),
    hidden: hidden ? LAYER_KEYS.filter((key) => hidden.includes(key)) : now.hidden,
    colour: one(COLOUR_SCALES, display.colour, now.colour), baseMap: one(BASE_MAPS, display.base, now.baseMap),
    raised: display.terrain === undefined ? now.raised : display.terrain === '3d',
  };
}

/** With this view in place of one of its name, or as the last one. */
export function withView(kept: Kept, view: SavedView): Kept {
  const isKnown = kept.views.some(({ name }) => name === view.name);
  return { ...kept, views: isKnown ? kept.views.map((one) => (one.name === view.name ? view : one)) : [...kept.views, view] };
}

export function withoutView(kept: Kept, name: string): Kept {
  return { ...kept, views: kept.views.filter((view) => view.name !== name) };
}

/** With the personal ones of these settings. */
export function withSettings({ views, display }: Kept, preferences: Preferences): Kept {
  const others = Object.entries(display).filter(([name]) => !PERSONAL.some((personal) => personal === name));
  const own = PERSONAL.flatMap((name) => (preferences[name] === undefined ? [] : [[name, String(preferences[name])]]));
  return { views, display: Object.fromEntries([...others, ...own]) };
}

export function settingsOf({ display }: Kept): Preferences {
  const { sound, windBand, ...texts } = Object.fromEntries(PERSONAL.flatMap((name) => (display[name] === undefined ? [] : [[name, display[name]]])));
  const values = { ...texts, ...(sound !== undefined && { sound: sound === 'true' }), ...(windBand !== undefined && { windBand: Number(windBand) }) };
  return parsePreferences(JSON.stringify(values));
}

/** The answer of `/api/v1/me`. */
export function keptOf(answer: unknown): Kept {
  const { views, display } = (answer ?? {}) as Record<string, unknown>;
  return { views: (Array.isArray(views) ? views : []).flatMap(savedOf), display: textsOf(display) };
}

function savedOf(view: unknown): SavedView[] {
  const { name, south_deg = 0, west_deg = 0, north_deg = 0, east_deg = 0, filters, display } = (view ?? {}) as Record<string, unknown>;
  const degrees = [south_deg, west_deg, north_deg, east_deg].map(Number) as [number, number, number, number];
  if (typeof name !== 'string' || !degrees.every(Number.isFinite)) return [];
  return [{ name, south_deg: degrees[0], west_deg: degrees[1], north_deg: degrees[2], east_deg: degrees[3], filters: textsOf(filters), display: textsOf(display) }];
}

function textsOf(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(value ?? {}).filter((pair): pair is [string, string] => typeof pair[1] === 'string'));
}
