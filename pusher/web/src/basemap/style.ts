import type { StyleSpecification } from 'maplibre-gl';
import { PLACES } from './places';
import { PALETTES, type Theme } from './theme';

export const FONT = ['Inter', 'system-ui', 'sans-serif'];
/** The word in the name sets the weight. */
export const FONT_BOLD = ['Inter Bold', 'Arial Bold'];
const EMPTY: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] };

/**
 * The base map that needs no internet. It names no glyphs: the page's own fonts draw the labels. The sources `land`,
 * `borders` and `graticule` are filled later.
 */
export function offlineStyle(theme: Theme): StyleSpecification {
  const colour = PALETTES[theme];
  return {
    version: 8,
    sources: {
      land: { type: 'geojson', data: EMPTY, tolerance: 0.2, attribution: 'Made with Natural Earth' },
      borders: { type: 'geojson', data: EMPTY, tolerance: 0.2 },
      graticule: { type: 'geojson', data: EMPTY },
      places: { type: 'geojson', data: PLACES },
    },
    layers: [
      { id: 'water', type: 'background', paint: { 'background-color': colour.water } },
      { id: 'coast-glow', type: 'line', source: 'land', paint: { 'line-color': colour.coast, 'line-width': 8, 'line-blur': 8, 'line-opacity': 0.45 } },
      { id: 'land', type: 'fill', source: 'land', paint: { 'fill-color': colour.land, 'fill-antialias': true } },
      { id: 'coast', type: 'line', source: 'land', paint: { 'line-color': colour.coast, 'line-width': 1 } },
      {
        id: 'graticule', type: 'line', source: 'graticule',
        paint: { 'line-color': colour.graticule, 'line-width': 1, 'line-opacity': 0.07 },
      },
      {
        id: 'border-glow', type: 'line', source: 'borders',
        paint: { 'line-color': colour.border, 'line-width': ['interpolate', ['linear'], ['zoom'], 4, 2, 10, 8], 'line-opacity': 0.16 },
      },
      {
        id: 'borders', type: 'line', source: 'borders',
        paint: { 'line-color': colour.border, 'line-width': ['interpolate', ['linear'], ['zoom'], 3, 0.5, 10, 1.4], 'line-dasharray': [4, 2, 1, 2] },
      },
      {
        id: 'graticule-labels', type: 'symbol', source: 'graticule',
        layout: {
          'symbol-placement': 'line', 'symbol-spacing': 700, 'text-field': ['get', 'label'], 'text-font': FONT, 'text-size': 10,
          'text-offset': [0, -0.7], 'text-keep-upright': true,
        },
        paint: { 'text-color': colour.place, 'text-opacity': 0.45 },
      },
      {
        id: 'mountains', type: 'symbol', source: 'places',
        filter: ['all', ['==', ['get', 'kind'], 'mountain'], ['>=', ['zoom'], ['get', 'minZoom']]],
        layout: {
          'icon-image': `base:peak:${theme}`, 'text-field': ['get', 'label'], 'text-font': FONT, 'text-size': 10.5, 'text-line-height': 1.1,
          'text-offset': [0, 0.6], 'text-anchor': 'top', 'text-optional': true,
        },
        paint: { 'text-color': colour.mountain, 'text-halo-color': colour.halo, 'text-halo-width': 1.2, 'text-opacity': 0.9, 'icon-opacity': 0.8 },
      },
      {
        id: 'places', type: 'symbol', source: 'places',
        filter: ['all', ['==', ['get', 'kind'], 'place'], ['>=', ['zoom'], ['get', 'minZoom']]],
        layout: {
          'icon-image': `base:dot:${theme}`, 'text-field': ['get', 'label'], 'text-font': FONT,
          'text-size': ['interpolate', ['linear'], ['get', 'minZoom'], 2.5, 13.5, 9, 11], 'symbol-sort-key': ['get', 'minZoom'],
          'text-variable-anchor': ['left', 'right', 'top', 'bottom'], 'text-radial-offset': 0.5, 'text-justify': 'auto',
        },
        paint: { 'text-color': colour.place, 'text-halo-color': colour.halo, 'text-halo-width': 1.4 },
      },
    ],
  };
}
