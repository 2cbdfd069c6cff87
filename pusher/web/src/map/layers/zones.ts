import type { GeoJSONSource, Map as MapLibre } from 'maplibre-gl';
import { FONT_BOLD } from '../../basemap/style';
import { PALETTES, type Theme } from '../../basemap/theme';
import { limitText, type ZoneFeature } from '../../live/zones';
import type { Formats } from '../../settings/formats';
import type { Scene } from '../scene';
import { CALM_MS, EMPTY, type Layer } from './layer';

/** Restricted, controlled, with radio or transponder, for gliders and wave. */
const RED = '#d6453d', BLUE = '#3f7fd0', PURPLE = '#9a5bc0', GREEN = '#3c9a55', GREY = '#7f8c99';
/** For the legend. */
export const ZONE_COLOURS = { restricted: RED, controlled: BLUE, radio: PURPLE, gliders: GREEN, other: GREY } as const;
const COLOUR = ['match', ['get', 'class'], ['R', 'P', 'Q', 'PROHIBITED', 'RESTRICTED', 'DANGER'], RED, ['A', 'B', 'C', 'D', 'CTR', 'CTA', 'TMA'], BLUE, ['RMZ', 'TMZ'], PURPLE, ['W', 'GSEC', 'GLIDING', 'N'], GREEN, GREY] as never;

/** Zones as outlines, with their floor and ceiling. */
export class ZoneLayer implements Layer {
  readonly key = 'zones';
  readonly ids = ['zones-area', 'zones-line', 'zones-label'];
  readonly intervalMs = CALM_MS;
  #drawn: readonly ZoneFeature[] | undefined;
  #formats: Formats | undefined;

  add(map: MapLibre, theme: Theme): void {
    const colour = PALETTES[theme];
    this.#drawn = undefined;
    map.addSource('zones', { type: 'geojson', data: EMPTY });
    map.addLayer({ id: 'zones-area', type: 'fill', source: 'zones', paint: { 'fill-color': COLOUR, 'fill-opacity': 0.07 } });
    map.addLayer({ id: 'zones-line', type: 'line', source: 'zones', paint: { 'line-color': COLOUR, 'line-width': ['interpolate', ['linear'], ['zoom'], 6, 0.8, 11, 2], 'line-opacity': 0.85 } });
    map.addLayer({
      id: 'zones-label', type: 'symbol', source: 'zones', minzoom: 8.5,
      layout: { 'text-field': ['get', 'label'], 'text-font': FONT_BOLD, 'text-size': 10.5, 'symbol-placement': 'line', 'symbol-spacing': 350 },
      paint: { 'text-color': colour.ink, 'text-halo-color': colour.halo, 'text-halo-width': 1.5 },
    });
  }

  draw(map: MapLibre, { zones, formats }: Scene): void {
    if (zones === this.#drawn && formats === this.#formats) return;
    this.#drawn = zones;
    this.#formats = formats;
    const labelled = zones.map((zone) => ({ ...zone, properties: { ...zone.properties, label: labelOf(zone, formats) } }));
    void map.getSource<GeoJSONSource>('zones')?.setData({ type: 'FeatureCollection', features: labelled });
  }
}

/** `CTR Bern GND–1372 m`. */
function labelOf({ properties: { name, floor, ceiling } }: ZoneFeature, formats: Formats): string {
  const limit = (text: string) => limitText(text, (metres) => formats.altitude(metres));
  return `${name} ${limit(floor)}–${limit(ceiling)}`;
}
