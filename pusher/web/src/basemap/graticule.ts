import type { View } from 'updraft-client';

const STEPS_DEG = [30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01];
const LINES_ACROSS = 7;
const MAX_LATITUDE = 85;

/** Meridians and parallels at round degrees for a view, a few across, labelled at the left and the lower edge. */
export function graticule(view: View): GeoJSON.FeatureCollection {
  const span = Math.max(view.east - view.west, 0.01);
  const step = STEPS_DEG.findLast((degrees) => span / degrees <= LINES_ACROSS) ?? STEPS_DEG[0]!;
  const south = Math.max(view.south, -MAX_LATITUDE);
  const north = Math.min(view.north, MAX_LATITUDE);
  const features: GeoJSON.Feature[] = [];
  for (const lon of multiples(view.west, view.east, step)) {
    features.push(line([[lon, south], [lon, north]], degrees(((lon + 540) % 360) - 180, 'E', 'W', step)));
  }
  for (const lat of multiples(south, north, step)) {
    features.push(line([[view.west, lat], [view.east, lat]], degrees(lat, 'N', 'S', step)));
  }
  return { type: 'FeatureCollection', features };
}

function multiples(from: number, to: number, step: number): number[] {
  const first = Math.ceil(from / step);
  const count = Math.max(0, Math.floor(to / step) - first + 1);
  return Array.from({ length: count }, (_, i) => (first + i) * step);
}

function degrees(value: number, positive: string, negative: string, step: number): string {
  const digits = step >= 1 ? 0 : step >= 0.1 ? 1 : 2;
  return `${Math.abs(value).toFixed(digits)}°${value < 0 ? negative : positive}`;
}

function line(coordinates: [number, number][], label: string): GeoJSON.Feature {
  return { type: 'Feature', geometry: { type: 'LineString', coordinates }, properties: { label } };
}
