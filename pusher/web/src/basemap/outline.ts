import type { LayerSpecification } from 'maplibre-gl';
import { FONT } from './style';
import { PALETTES, type Theme } from './theme';

/** Coast and land of the built-in outline; always below everything else. */
export function landLayers(theme: Theme): LayerSpecification[] {
  const colour = PALETTES[theme];
  const outline = { source: 'outline', 'source-layer': 'land' } as const;
  return [
    { id: 'coast-glow', type: 'line', ...outline, paint: { 'line-color': colour.coast, 'line-width': 8, 'line-blur': 8, 'line-opacity': 0.45 } },
    { id: 'land', type: 'fill', ...outline, paint: { 'fill-color': colour.land, 'fill-antialias': true } },
  ];
}

/** Coast and borders as lines, meridians and parallels. */
export function lineLayers(theme: Theme): LayerSpecification[] {
  const colour = PALETTES[theme];
  const borders = { source: 'outline', 'source-layer': 'borders' } as const;
  return [
    { id: 'coast', type: 'line', source: 'outline', 'source-layer': 'land', paint: { 'line-color': colour.coast, 'line-width': 1 } },
    { id: 'graticule', type: 'line', source: 'graticule', paint: { 'line-color': colour.graticule, 'line-width': 1, 'line-opacity': 0.07 } },
    {
      id: 'border-glow', type: 'line', ...borders,
      paint: { 'line-color': colour.border, 'line-width': ['interpolate', ['linear'], ['zoom'], 4, 2, 10, 8], 'line-opacity': 0.16 },
    },
    {
      id: 'borders', type: 'line', ...borders,
      paint: { 'line-color': colour.border, 'line-width': ['interpolate', ['linear'], ['zoom'], 3, 0.5, 10, 1.4], 'line-dasharray': [4, 2, 1, 2] },
    },
  ];
}

/** Labels of the outline: degrees, mountains, places. */
export function labelLayers(theme: Theme): LayerSpecification[] {
  const colour = PALETTES[theme];
  return [
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
  ];
}
