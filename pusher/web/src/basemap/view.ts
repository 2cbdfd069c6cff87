import type { Map as MapLibre } from 'maplibre-gl';
import type { View } from 'updraft-client';

/** What the map shows now. */
export function viewOf(map: MapLibre): View {
  const bounds = map.getBounds();
  const { lat, lng: lon } = map.getCenter();
  return { south: bounds.getSouth(), west: bounds.getWest(), north: bounds.getNorth(), east: bounds.getEast(), centre: { lat, lon } };
}
