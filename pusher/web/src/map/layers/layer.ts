import type { GeoJSONSource, Map as MapLibre } from 'maplibre-gl';
import type { Theme } from '../../basemap/theme';
import type { Selection } from '../../selection';
import type { Scene } from '../scene';

/** What the user can switch on and off. `relief`: colours, shading and contour lines of the terrain, which are no layer of objects. */
export const LAYER_KEYS = ['aircraft', 'trails', 'ground', 'thermals', 'stations', 'winds', 'receivers', 'landmarks', 'zones', 'relief'] as const;
export type LayerKey = (typeof LAYER_KEYS)[number];

/** One kind of object on the map: a source, its style layers, and how a scene becomes features. */
export interface Layer {
  key: LayerKey;
  /** Style layers, from below to above. */
  ids: string[];
  /** Those of them whose features can be clicked; absent: all. */
  clickable?: string[];
  /** The shortest time between two drawings, ms; long for objects that do not move. */
  intervalMs: number;
  add(map: MapLibre, theme: Theme): void;
  draw(map: MapLibre, scene: Scene): void;
  /** The object of a clicked feature; absent: nothing to select. */
  pick?(properties: Record<string, unknown>): Selection;
}

/** For objects that do not move. */
export const CALM_MS = 1000;

export const EMPTY: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] };

/** What the sources have, as text. */
const drawn = new WeakMap<GeoJSONSource, string>();

/**
 * Replaces the features of a source where they differ: each time MapLibre cuts all its tiles again. Does nothing while the style is
 * being changed.
 */
export function setFeatures(map: MapLibre, id: string, features: GeoJSON.Feature[]): void {
  const source = map.getSource<GeoJSONSource>(id);
  const text = JSON.stringify(features);
  if (!source || drawn.get(source) === text) return;
  drawn.set(source, text);
  void source.setData({ type: 'FeatureCollection', features });
}

export function point(lon: number, lat: number, properties: Record<string, unknown>): GeoJSON.Feature<GeoJSON.Point> {
  return { type: 'Feature', geometry: { type: 'Point', coordinates: [lon, lat] }, properties };
}
