import type { Map as MapLibre } from 'maplibre-gl';
import { FONT_BOLD } from '../../basemap/style';
import { PALETTES, type Theme } from '../../basemap/theme';
import { windId } from '../../live/winds';
import { opacityByAge } from '../../motion/age';
import type { Selection } from '../../selection';
import type { Scene } from '../scene';
import { symbolId } from '../symbols/resolve';
import { barbKnots, windStep } from '../symbols/station';
import { CALM_MS, EMPTY, point, setFeatures, type Layer } from './layer';

/** The server ends a wind by then. */
const LIFETIME_MS = 4 * 3600_000;
const FAINTEST = 0.4;

/** The wind aloft in one band of altitude: a barb in the middle of each cell. */
export class WindLayer implements Layer {
  readonly key = 'winds';
  readonly ids = ['winds-values', 'winds'];
  readonly intervalMs = CALM_MS;

  add(map: MapLibre, theme: Theme): void {
    const colour = PALETTES[theme];
    map.addSource('winds', { type: 'geojson', data: EMPTY, tolerance: 0, buffer: 64 });
    map.addLayer({
      id: 'winds', type: 'symbol', source: 'winds', minzoom: 5,
      layout: {
        'icon-image': ['get', 'icon'], 'icon-rotate': ['get', 'from'], 'icon-rotation-alignment': 'map', 'icon-pitch-alignment': 'viewport', 'icon-allow-overlap': true,
        'icon-ignore-placement': true, 'icon-size': ['interpolate', ['linear'], ['zoom'], 5, 0.6, 8, 1, 11, 1.3],
      },
      paint: { 'icon-opacity': ['get', 'opacity'] },
    });
    map.addLayer({
      id: 'winds-values', type: 'symbol', source: 'winds', minzoom: 8,
      layout: {
        'text-field': ['get', 'label'], 'text-font': FONT_BOLD, 'text-size': 11, 'text-optional': true,
        'text-variable-anchor': ['top', 'bottom', 'left', 'right'], 'text-radial-offset': 1.1,
      },
      paint: { 'text-color': colour.ink, 'text-halo-color': colour.halo, 'text-halo-width': 1.5, 'text-opacity': ['get', 'opacity'] },
    });
  }

  draw(map: MapLibre, { winds, windBand, isLive, now, formats }: Scene): void {
    // The past has no winds.
    const shown = isLive ? winds.filter(({ baseM }) => baseM === windBand) : [];
    setFeatures(map, 'winds', shown.map((wind) => point(wind.lon, wind.lat, {
      id: windId(wind),
      icon: symbolId.wind(windStep(wind.kmh), barbKnots(wind.kmh)),
      from: wind.fromDeg,
      label: formats.speed(wind.kmh),
      opacity: opacityByAge(now - wind.lastSeenAt, LIFETIME_MS) * (FAINTEST + (1 - FAINTEST) * (wind.confidencePct / 100)),
    })));
  }
  pick(properties: Record<string, unknown>): Selection {
    return { kind: 'wind', id: String(properties.id) };
  }
}
