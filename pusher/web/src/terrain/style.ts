import type { LayerSpecification } from 'maplibre-gl';
import { FONT } from '../basemap/style';
import { isDark, PALETTES, type Theme } from '../basemap/theme';

/** Elevation, metres, and its tint: valleys green, then brown, rock grey, snow white. */
const TINTS: Record<'dark' | 'light', readonly [number, string][]> = {
  dark: [[0, '#12262b'], [600, '#172c2b'], [1500, '#22302c'], [2300, '#2f3336'], [3000, '#46505b'], [4000, '#6c7d8d']],
  light: [[0, '#dbe8cf'], [600, '#e4ead0'], [1500, '#efe8cf'], [2300, '#e8e0d2'], [3000, '#eeeeee'], [4000, '#ffffff']],
};

export function hillshadeLayers(theme: Theme): LayerSpecification[] {
  const colour = PALETTES[theme];
  const dark = isDark(theme);
  return [
    {
      id: 'relief', type: 'color-relief', source: 'terrain',
      paint: {
        'color-relief-opacity': theme === 'sunlight' ? 0.35 : 0.75,
        'color-relief-color': ['interpolate', ['linear'], ['elevation'], ...TINTS[dark ? 'dark' : 'light'].flat()] as never,
      },
    },
    {
      id: 'hillshade', type: 'hillshade', source: 'terrain',
      paint: {
        'hillshade-shadow-color': colour.shadow, 'hillshade-highlight-color': colour.highlight, 'hillshade-accent-color': colour.shadow,
        'hillshade-exaggeration': dark ? 0.6 : 0.45,
      },
    },
  ];
}

export function contourLayers(theme: Theme): LayerSpecification[] {
  const colour = PALETTES[theme];
  return [
    {
      id: 'contours', type: 'line', source: 'contours',
      paint: { 'line-color': colour.contour, 'line-width': ['case', ['get', 'thick'], 1.1, 0.6], 'line-opacity': ['case', ['get', 'thick'], 0.55, 0.35] },
    },
    {
      id: 'contour-labels', type: 'symbol', source: 'contours', filter: ['get', 'thick'],
      layout: { 'symbol-placement': 'line', 'symbol-spacing': 320, 'text-field': ['get', 'label'], 'text-font': FONT, 'text-size': 9.5 },
      paint: { 'text-color': colour.contour, 'text-halo-color': colour.halo, 'text-halo-width': 1.2, 'text-opacity': 0.85 },
    },
  ];
}
