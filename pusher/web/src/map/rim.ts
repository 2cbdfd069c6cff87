import type { Map as MapLibre } from 'maplibre-gl';
import type { Theme } from '../basemap/theme';
import type { Region } from '../live/region';
import { EMPTY, setFeatures } from './layers/layer';

const KM_PER_DEGREE = 111.195;
const CORNERS = 96;

/** The rim of the region when the view is larger than what the server gives. */
export class Rim {
  #region: Region | undefined;

  add(map: MapLibre, theme: Theme): void {
    map.addSource('rim', { type: 'geojson', data: EMPTY });
    map.addLayer({
      id: 'rim-outside', type: 'fill', source: 'rim', filter: ['==', ['geometry-type'], 'Polygon'],
      paint: { 'fill-color': theme === 'dark' ? '#000000' : '#4a5a68', 'fill-opacity': theme === 'dark' ? 0.3 : 0.14 },
    });
    map.addLayer({
      id: 'rim', type: 'line', source: 'rim', filter: ['==', ['geometry-type'], 'LineString'],
      paint: { 'line-color': theme === 'dark' ? '#6fb7e8' : '#2b6f9e', 'line-width': 1.5, 'line-dasharray': [3, 3], 'line-opacity': 0.8 },
    });
    this.show(map, this.#region);
  }

  show(map: MapLibre, region: Region | undefined): void {
    this.#region = region;
    if (!region || !('circle' in region)) {
      setFeatures(map, 'rim', []);
      return;
    }
    const { latitude_deg, longitude_deg, radius_km } = region.circle;
    const ring = circle(latitude_deg, longitude_deg, radius_km);
    const world: [number, number][] = [-180, -90, 0, 90, 180].map((lon) => [longitude_deg + lon, -85]);
    const outside = [...world, ...world.map(([lon]): [number, number] => [lon, 85]).reverse(), world[0]!];
    setFeatures(map, 'rim', [
      { type: 'Feature', properties: {}, geometry: { type: 'LineString', coordinates: ring } },
      { type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [outside, ring] } },
    ]);
  }
}

/** Points on a circle of the sphere, longitudes not wrapped. */
function circle(lat: number, lon: number, radiusKm: number): [number, number][] {
  const rad = Math.PI / 180;
  const angle = (radiusKm / KM_PER_DEGREE) * rad;
  return Array.from({ length: CORNERS + 1 }, (_, i) => {
    const bearing = (i / CORNERS) * 2 * Math.PI;
    const sine = Math.sin(lat * rad) * Math.cos(angle) + Math.cos(lat * rad) * Math.sin(angle) * Math.cos(bearing);
    const east = Math.atan2(Math.sin(bearing) * Math.sin(angle) * Math.cos(lat * rad), Math.cos(angle) - Math.sin(lat * rad) * sine);
    return [lon + east / rad, Math.asin(sine) / rad];
  });
}
