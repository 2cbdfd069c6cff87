import type { Map as MapLibre } from 'maplibre-gl';
import { destination, type Region } from 'updraft-client';
import { isDark, type Theme } from '../basemap/theme';
import { EMPTY, setFeatures } from './layers/layer';

const CORNERS = 96;

/** The rim of the region when the view is larger than what the server gives. */
export class Rim {
  #region: Region | undefined;

  add(map: MapLibre, theme: Theme): void {
    map.addSource('rim', { type: 'geojson', data: EMPTY });
    map.addLayer({
      id: 'rim-outside', type: 'fill', source: 'rim', filter: ['==', ['geometry-type'], 'Polygon'],
      paint: { 'fill-color': isDark(theme) ? '#000000' : '#4a5a68', 'fill-opacity': isDark(theme) ? 0.3 : 0.14 },
    });
    map.addLayer({
      id: 'rim', type: 'line', source: 'rim', filter: ['==', ['geometry-type'], 'LineString'],
      paint: { 'line-color': isDark(theme) ? '#6fb7e8' : '#2b6f9e', 'line-width': 1.5, 'line-dasharray': [3, 3], 'line-opacity': 0.8 },
    });
    this.show(map, this.#region);
  }

  /** `region`: absent where it contains the full view. */
  show(map: MapLibre, region: Region | undefined): void {
    this.#region = region;
    if (!region) {
      setFeatures(map, 'rim', []);
      return;
    }
    const { ring, middle } = ringOf(region);
    const world: [number, number][] = [-180, -90, 0, 90, 180].map((lon) => [middle + lon, -85]);
    const outside = [...world, ...world.map(([lon]): [number, number] => [lon, 85]).reverse(), world[0]!];
    setFeatures(map, 'rim', [
      { type: 'Feature', properties: {}, geometry: { type: 'LineString', coordinates: ring } },
      { type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [outside, ring] } },
    ]);
  }
}

/** Its rim, and the longitude of its middle. */
function ringOf(region: Region): { ring: [number, number][]; middle: number } {
  if ('circle' in region) {
    const { latitude_deg, longitude_deg, radius_km } = region.circle;
    return { ring: circle(latitude_deg, longitude_deg, radius_km), middle: longitude_deg };
  }
  const { south_deg, west_deg, north_deg, east_deg } = region.bounds;
  const [south, north] = [Math.max(-85, south_deg), Math.min(85, north_deg)];
  const east = east_deg < west_deg ? east_deg + 360 : east_deg;
  return { ring: [[west_deg, south], [east, south], [east, north], [west_deg, north], [west_deg, south]], middle: (west_deg + east) / 2 };
}

/** Points on a circle of the sphere, longitudes not wrapped. */
function circle(lat: number, lon: number, radiusKm: number): [number, number][] {
  return Array.from({ length: CORNERS + 1 }, (_, i) => destination(lat, lon, (i / CORNERS) * 360, radiusKm));
}
