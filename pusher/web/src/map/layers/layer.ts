import type { GeoJSONSource, Map as MapLibre } from 'maplibre-gl';
import type { Theme } from '../../basemap/theme';
import type { Selection } from '../../selection';
import type { Scene } from '../scene';

/** What the user can switch on and off. */
export type LayerKey = 'aircraft' | 'trails' | 'ground' | 'thermals' | 'stations' | 'receivers';

/** One kind of object on the map: a source, its style layers, and how a scene becomes features. */
export interface Layer {
  key: LayerKey;
  /** Style layers, from below to above; the last one is the one that can be clicked. */
  ids: string[];
  /** The shortest time between two drawings, ms: what does not move needs no more. */
  intervalMs: number;
  add(map: MapLibre, theme: Theme): void;
  draw(map: MapLibre, scene: Scene): void;
  /** What a clicked feature stands for; absent: nothing to select. */
  pick?(properties: Record<string, unknown>): Selection;
}

/** For what does not move. */
export const CALM_MS = 1000;

export const EMPTY: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] };

/** Replaces the features of a source; does nothing while the style is being changed. */
export function setFeatures(map: MapLibre, source: string, features: GeoJSON.Feature[]): void {
  void map.getSource<GeoJSONSource>(source)?.setData({ type: 'FeatureCollection', features });
}

export function point(lon: number, lat: number, properties: Record<string, unknown>): GeoJSON.Feature<GeoJSON.Point> {
  return { type: 'Feature', geometry: { type: 'Point', coordinates: [lon, lat] }, properties };
}
