import type { ExpressionSpecification, FilterSpecification, LayerSpecification } from 'maplibre-gl';
import type { Unit } from '../settings/formats';
import { FONT, FONT_BOLD } from './style';
import { PALETTES, type Palette, type Theme } from './theme';

// A style for vector tiles in the Protomaps schema (https://docs.protomaps.com/basemaps/layers): quiet, so that aircraft
// stand out; it keeps the features that matter to pilots (woods, glaciers, water, power lines, roads).

const source = 'basemap';

function kinds(...names: string[]): FilterSpecification {
  return ['in', ['get', 'kind'], ['literal', names]];
}

function width(...stops: [zoom: number, pixels: number][]): ExpressionSpecification {
  return ['interpolate', ['exponential', 1.5], ['zoom'], ...stops.flat()] as unknown as ExpressionSpecification;
}

/** Below hillshade and contours. */
export function protomapsAreas(theme: Theme): LayerSpecification[] {
  const colour = PALETTES[theme];
  const area = (id: string, layer: string, fill: string, filter?: FilterSpecification): LayerSpecification =>
    ({ id, type: 'fill', source, 'source-layer': layer, ...(filter && { filter }), paint: { 'fill-color': fill } });
  return [
    area('base-earth', 'earth', colour.land),
    area('base-landcover', 'landcover', colour.wood, kinds('forest')),
    area('base-woods', 'landuse', colour.wood, kinds('forest', 'wood', 'nature_reserve', 'park')),
    area('base-ice', 'landcover', colour.ice, kinds('glacier')),
    area('base-glaciers', 'landuse', colour.ice, kinds('glacier')),
    area('base-towns', 'landuse', colour.town, kinds('residential', 'urban_area', 'industrial')),
    area('base-airfields', 'landuse', colour.town, kinds('aerodrome', 'runway')),
    area('base-water', 'water', colour.water, ['==', ['geometry-type'], 'Polygon']),
  ];
}

/** Above hillshade and contours. */
export function protomapsLines(theme: Theme): LayerSpecification[] {
  const colour = PALETTES[theme];
  const line = (id: string, layer: string, ink: string, wide: ExpressionSpecification, filter: FilterSpecification): LayerSpecification =>
    ({ id, type: 'line', source, 'source-layer': layer, filter, layout: { 'line-cap': 'round', 'line-join': 'round' }, paint: { 'line-color': ink, 'line-width': wide } });
  return [
    line('base-rivers', 'water', colour.river, width([8, 0.6], [14, 2.5]), ['==', ['geometry-type'], 'LineString']),
    line('base-paths', 'roads', colour.road, width([12, 0.4], [16, 1.4]), kinds('path', 'other')),
    line('base-minor', 'roads', colour.road, width([11, 0.4], [16, 4]), kinds('minor_road')),
    line('base-major', 'roads', colour.road, width([7, 0.5], [16, 6]), kinds('major_road', 'medium_road')),
    line('base-highways', 'roads', colour.highway, width([5, 0.6], [16, 8]), kinds('highway')),
    { ...line('base-rails', 'roads', colour.road, width([9, 0.5], [16, 2]), kinds('rail')), paint: { 'line-color': colour.road, 'line-width': 1.2, 'line-dasharray': [4, 3] } } as LayerSpecification,
    line('base-buildings', 'buildings', colour.road, width([14, 0.5], [17, 1]), ['==', ['geometry-type'], 'Polygon']),
    { ...line('base-boundaries', 'boundaries', colour.border, width([3, 0.5], [10, 1.6]), kinds('country')), paint: { 'line-color': colour.border, 'line-width': width([3, 0.5], [10, 1.6]), 'line-dasharray': [4, 2, 1, 2] } } as LayerSpecification,
  ];
}

/** `altitude`: the unit of heights. */
export function protomapsLabels(theme: Theme, altitude: Unit): LayerSpecification[] {
  const colour = PALETTES[theme];
  return [
    {
      id: 'base-peaks', type: 'symbol', source, 'source-layer': 'pois', filter: kinds('peak'), minzoom: 9,
      layout: {
        'icon-image': `base:peak:${theme}`, 'text-font': FONT, 'text-size': 10.5, 'text-offset': [0, 0.6], 'text-anchor': 'top', 'text-optional': true,
        'text-field': peakText(altitude),
      },
      paint: text(colour, colour.mountain),
    },
    {
      id: 'base-waters', type: 'symbol', source, 'source-layer': 'water', filter: ['all', ['has', 'name'], ['==', ['geometry-type'], 'Point']],
      layout: { 'text-field': name(), 'text-font': FONT, 'text-size': 11 }, paint: text(colour, colour.river),
    },
    {
      id: 'base-places', type: 'symbol', source, 'source-layer': 'places', filter: kinds('locality', 'neighbourhood', 'macrohood'),
      layout: {
        'icon-image': `base:dot:${theme}`, 'text-field': name(), 'text-font': FONT, 'text-variable-anchor': ['left', 'right', 'top', 'bottom'],
        'text-radial-offset': 0.5, 'text-justify': 'auto', 'symbol-sort-key': ['coalesce', ['get', 'min_zoom'], ['get', 'sort_key'], 0],
        'text-size': ['interpolate', ['linear'], ['coalesce', ['get', 'population_rank'], 3], 3, 10.5, 13, 15],
      },
      paint: text(colour, colour.place),
    },
    {
      id: 'base-countries', type: 'symbol', source, 'source-layer': 'places', filter: kinds('country'), maxzoom: 7,
      layout: { 'text-field': name(), 'text-font': FONT_BOLD, 'text-size': 13, 'text-letter-spacing': 0.06 }, paint: text(colour, colour.place),
    },
  ];
}

/** The name of a peak, and its height. */
export function peakText({ name: unit, factor }: Unit): ExpressionSpecification {
  return ['concat', name(), ['case', ['has', 'elevation'], ['concat', '\n', ['round', ['*', factor, ['to-number', ['get', 'elevation']]]], ` ${unit}`], '']];
}

/** In the language of the place. */
function name(): ExpressionSpecification {
  return ['coalesce', ['get', 'name'], ''];
}

function text(colour: Palette, ink: string) {
  return { 'text-color': ink, 'text-halo-color': colour.halo, 'text-halo-width': 1.4 };
}
