import type { Map as MapLibre } from 'maplibre-gl';
import { FONT, FONT_BOLD } from '../../basemap/style';
import { PALETTES, type Theme } from '../../basemap/theme';
import { opacityByAge } from '../../motion/age';
import type { Selection } from '../../selection';
import type { Scene } from '../scene';
import { symbolId } from '../symbols/resolve';
import { barbKnots, windStep } from '../symbols/station';
import { CALM_MS, EMPTY, point, setFeatures, type Layer } from './layer';

/** Wind that is an hour old is of little use. */
const LIFETIME_MS = 3600_000;

/** From here on stations have names. */
export const STATION_NAMES_ZOOM = 9;

export class StationLayer implements Layer {
  readonly key = 'stations';
  readonly ids = ['stations-names', 'stations-values', 'stations'];
  readonly intervalMs = CALM_MS;

  add(map: MapLibre, theme: Theme): void {
    const colour = PALETTES[theme];
    const size: ['interpolate', ['linear'], ['zoom'], ...number[]] = ['interpolate', ['linear'], ['zoom'], 6, 0.55, 9, 0.85, 12, 1];
    map.addSource('stations', { type: 'geojson', data: EMPTY, tolerance: 0, buffer: 64 });
    map.addLayer({
      id: 'stations-names', type: 'symbol', source: 'stations', minzoom: STATION_NAMES_ZOOM,
      layout: {
        'text-field': ['get', 'name'], 'text-font': FONT, 'text-size': 10.5, 'text-optional': true,
        'text-variable-anchor': ['top', 'bottom'], 'text-radial-offset': 1.5,
      },
      paint: { 'text-color': colour.ink, 'text-halo-color': colour.halo, 'text-halo-width': 1.4, 'text-opacity': ['*', 0.85, ['get', 'opacity']] },
    });
    map.addLayer({
      id: 'stations', type: 'symbol', source: 'stations', minzoom: 6.5,
      layout: {
        'icon-image': ['get', 'icon'], 'icon-rotate': ['get', 'from'], 'icon-rotation-alignment': 'map', 'icon-pitch-alignment': 'viewport', 'icon-allow-overlap': true,
        'icon-ignore-placement': true, 'icon-size': size,
      },
      paint: { 'icon-opacity': ['get', 'opacity'] },
    });
    map.addLayer({
      id: 'stations-values', type: 'symbol', source: 'stations', minzoom: 7,
      layout: {
        'text-field': ['get', 'wind'], 'text-font': FONT_BOLD, 'text-size': ['interpolate', ['linear'], ['zoom'], 7, 7.5, 9, 10, 12, 11.5],
        'text-allow-overlap': true, 'text-ignore-placement': true,
      },
      paint: { 'text-color': '#ffffff', 'text-opacity': ['get', 'opacity'] },
    });
  }

  draw(map: MapLibre, { picture, now, formats }: Scene): void {
    setFeatures(map, 'stations', [...picture.stations.values()].map((station) => {
      const knots = station.windFromDeg === undefined || station.windKmh === undefined ? undefined : barbKnots(station.windKmh);
      return point(station.lon, station.lat, {
        device: station.device,
        icon: symbolId.station(windStep(station.gustKmh ?? station.windKmh), knots),
        from: station.windFromDeg ?? 0,
        wind: station.windKmh === undefined ? '–' : formats.speedNumber(station.windKmh),
        name: station.name ?? '',
        opacity: opacityByAge(now - station.at, LIFETIME_MS),
      });
    }));
  }

  pick(properties: Record<string, unknown>): Selection {
    return { kind: 'station', device: Number(properties.device) };
  }
}
