import type { Map as MapLibre } from 'maplibre-gl';
import { FONT } from '../../basemap/style';
import { PALETTES, type Theme } from '../../basemap/theme';
import { urgencyOf } from '../../live/alerts';
import { withMark } from '../../live/messages';
import { opacityByAge } from '../../motion/age';
import { passesGround } from '../../ui/filter';
import { isSelectedDevice, type Selection } from '../../selection';
import type { Scene } from '../scene';
import { symbolId } from '../symbols/resolve';
import { CALM_MS, EMPTY, point, setFeatures, type Layer } from './layer';

const LIFETIME_MS = 2 * 3600_000;

/** From here on people on the ground have names. */
export const GROUND_NAMES_ZOOM = 10;

export class GroundLayer implements Layer {
  readonly key = 'ground';
  readonly ids = ['ground'];
  readonly intervalMs = CALM_MS;

  add(map: MapLibre, theme: Theme): void {
    const colour = PALETTES[theme];
    map.addSource('ground', { type: 'geojson', data: EMPTY, tolerance: 0, buffer: 64 });
    map.addLayer({
      id: 'ground', type: 'symbol', source: 'ground',
      layout: {
        'icon-image': ['get', 'icon'], 'icon-allow-overlap': true, 'icon-ignore-placement': true, 'symbol-sort-key': ['get', 'sort'],
        'icon-size': ['interpolate', ['linear'], ['zoom'], 6, ['case', ['get', 'alarm'], 0.8, 0.4], 11, ['case', ['get', 'alarm'], 1.1, 0.85]],
        'text-field': ['step', ['zoom'], '', GROUND_NAMES_ZOOM, ['get', 'name']], 'text-font': FONT, 'text-size': 11, 'text-optional': true,
        'text-variable-anchor': ['left', 'right'], 'text-radial-offset': 1.3,
      },
      paint: {
        'icon-opacity': ['get', 'opacity'], 'text-opacity': ['get', 'opacity'], 'text-color': colour.ink,
        'text-halo-color': colour.halo, 'text-halo-width': 1.5,
      },
    });
  }

  draw(map: MapLibre, scene: Scene): void {
    const { picture, now, selection, filter } = scene;
    const shown = [...picture.ground.values()].filter((ground) => isSelectedDevice(selection, ground.device) || passesGround(ground, filter, scene));
    setFeatures(map, 'ground', shown.map((ground) => {
      const alarm = urgencyOf(ground.kind) === 'distress';
      return point(ground.lon, ground.lat, {
        device: ground.device,
        icon: symbolId.ground(ground.kind),
        name: withMark(ground.name ?? '', ground, now),
        alarm,
        // A person who may need help does not fade.
        opacity: alarm || isSelectedDevice(selection, ground.device) ? 1 : opacityByAge(now - ground.at, LIFETIME_MS),
        sort: alarm ? 1 : 0,
      });
    }));
  }

  pick(properties: Record<string, unknown>): Selection {
    return { kind: 'device', device: Number(properties.device) };
  }
}
