import type { Map as MapLibre } from 'maplibre-gl';
import type { Position } from 'updraft-client';
import { EMPTY, setFeatures } from './layers/layer';

const COLOUR = '#e0731d';

/** The zone that the user is drawing: its corners, and the outline through them. */
export class Draft {
  #corners: readonly Position[] = [];

  add(map: MapLibre): void {
    map.addSource('draft', { type: 'geojson', data: EMPTY });
    map.addLayer({ id: 'draft-area', type: 'fill', source: 'draft', filter: ['==', ['geometry-type'], 'Polygon'], paint: { 'fill-color': COLOUR, 'fill-opacity': 0.15 } });
    map.addLayer({ id: 'draft-line', type: 'line', source: 'draft', filter: ['!=', ['geometry-type'], 'Point'], paint: { 'line-color': COLOUR, 'line-width': 2 } });
    map.addLayer({ id: 'draft', type: 'circle', source: 'draft', filter: ['==', ['geometry-type'], 'Point'], paint: { 'circle-color': COLOUR, 'circle-radius': 5, 'circle-stroke-color': '#ffffff', 'circle-stroke-width': 1.5 } });
    this.show(map, this.#corners);
  }

  show(map: MapLibre, corners: readonly Position[]): void {
    this.#corners = corners;
    const line = corners.map(({ lat, lon }): [number, number] => [lon, lat]);
    const features: GeoJSON.Feature[] = line.map((coordinates) => ({ type: 'Feature', properties: {}, geometry: { type: 'Point', coordinates } }));
    if (line.length === 2) features.push({ type: 'Feature', properties: {}, geometry: { type: 'LineString', coordinates: line } });
    if (line.length > 2) features.push({ type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [[...line, line[0]!]] } });
    setFeatures(map, 'draft', features);
  }
}
