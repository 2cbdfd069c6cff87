import { LandmarkLayer as MarkLayer, LandmarkShape, type Landmark, type Position } from 'updraft-client';
import type { Map as MapLibre } from 'maplibre-gl';
import { FONT_BOLD } from '../../basemap/style';
import { PALETTES, type Theme } from '../../basemap/theme';
import type { Selection } from '../../selection';
import type { Scene } from '../scene';
import { CALM_MS, EMPTY, point, setFeatures, type Layer } from './layer';

const INFO = '#3f7fd0';
/** Of the legend too. */
export const LANDMARK_COLOURS: Partial<Record<MarkLayer, string>> = {
  [MarkLayer.LANDMARK_LAYER_INFO]: INFO, [MarkLayer.LANDMARK_LAYER_WARNING]: '#e08a1e', [MarkLayer.LANDMARK_LAYER_KEEP_OUT]: '#d6453d', [MarkLayer.LANDMARK_LAYER_TOUCH_DOWN]: '#3c9a55',
};
/** Corners of a drawn circle. */
const CORNERS = 48;
const M_PER_DEGREE = 111_320;

const LINES: ReadonlySet<LandmarkShape> = new Set([LandmarkShape.LANDMARK_SHAPE_LINE, LandmarkShape.LANDMARK_SHAPE_ARROW, LandmarkShape.LANDMARK_SHAPE_LINE_3D]);
const FILLED: ReadonlySet<LandmarkShape> = new Set([LandmarkShape.LANDMARK_SHAPE_FILLED_AREA, LandmarkShape.LANDMARK_SHAPE_FILLED_CIRCLE, LandmarkShape.LANDMARK_SHAPE_AREA_3D, LandmarkShape.LANDMARK_SHAPE_CYLINDER]);

/** Marks that devices broadcast: notes, warnings, landing fields, as text, line, area or circle. */
export class LandmarkLayer implements Layer {
  readonly key = 'landmarks';
  readonly ids = ['landmarks-area', 'landmarks-line', 'landmarks-text', 'landmarks'];
  readonly intervalMs = CALM_MS;

  add(map: MapLibre, theme: Theme): void {
    const colour = PALETTES[theme];
    const fill = ['get', 'colour'] as never;
    map.addSource('landmarks', { type: 'geojson', data: EMPTY });
    map.addLayer({ id: 'landmarks-area', type: 'fill', source: 'landmarks', filter: ['==', ['get', 'part'], 'filled'], paint: { 'fill-color': fill, 'fill-opacity': 0.18 } });
    map.addLayer({ id: 'landmarks-line', type: 'line', source: 'landmarks', filter: ['!=', ['get', 'part'], 'point'], paint: { 'line-color': fill, 'line-width': 2 } });
    map.addLayer({
      id: 'landmarks-text', type: 'symbol', source: 'landmarks', minzoom: 8, filter: ['==', ['get', 'part'], 'point'],
      layout: { 'text-field': ['get', 'name'], 'text-font': FONT_BOLD, 'text-size': 11, 'text-variable-anchor': ['top', 'bottom', 'left', 'right'], 'text-radial-offset': 0.8 },
      paint: { 'text-color': colour.ink, 'text-halo-color': colour.halo, 'text-halo-width': 1.5 },
    });
    map.addLayer({
      id: 'landmarks', type: 'circle', source: 'landmarks', filter: ['==', ['get', 'part'], 'point'],
      paint: { 'circle-radius': ['interpolate', ['linear'], ['zoom'], 6, 2, 10, 4.5], 'circle-color': fill, 'circle-stroke-color': '#ffffff', 'circle-stroke-width': 1.5 },
    });
  }

  draw(map: MapLibre, { picture }: Scene): void {
    setFeatures(map, 'landmarks', [...picture.landmarks.values()].flatMap(featuresOf));
  }

  pick(properties: Record<string, unknown>): Selection {
    return { kind: 'landmark', id: String(properties.id) };
  }
}

/** Its point, and its outline where it has one. */
export function featuresOf(landmark: Landmark): GeoJSON.Feature[] {
  const { id, lat, lon, layer, shape, points, radiiM, text } = landmark;
  const properties = { id, name: text ?? '', colour: LANDMARK_COLOURS[layer] ?? INFO };
  const features: GeoJSON.Feature[] = [point(lon, lat, { ...properties, part: 'point' })];
  const part = FILLED.has(shape) ? 'filled' : 'outline';
  const add = (geometry: GeoJSON.Geometry) => features.push({ type: 'Feature', geometry, properties: { ...properties, part } });
  if (radiiM.length > 0) points.forEach((centre, index) => add({ type: 'Polygon', coordinates: [circle(centre, radiiM[index] ?? 0)] }));
  else if (points.length > 1 && LINES.has(shape)) add({ type: 'LineString', coordinates: points.map(({ lat, lon }) => [lon, lat]) });
  else if (points.length > 2) add({ type: 'Polygon', coordinates: [[...points, points[0]!].map(({ lat, lon }) => [lon, lat])] });
  return features;
}

function circle({ lat, lon }: Position, radiusM: number): [number, number][] {
  const north = radiusM / M_PER_DEGREE, east = north / Math.max(Math.cos((lat * Math.PI) / 180), 0.01);
  return Array.from({ length: CORNERS + 1 }, (_, corner) => {
    const angle = (corner % CORNERS) * ((2 * Math.PI) / CORNERS);
    return [lon + east * Math.sin(angle), lat + north * Math.cos(angle)];
  });
}
