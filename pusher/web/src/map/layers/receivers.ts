import type { Map as MapLibre } from 'maplibre-gl';
import { FONT } from '../../basemap/style';
import { PALETTES, type Theme } from '../../basemap/theme';
import type { Selection } from '../../selection';
import type { Scene } from '../scene';
import { symbolId } from '../symbols/resolve';
import { CALM_MS, EMPTY, point, setFeatures, type Layer } from './layer';

export class ReceiverLayer implements Layer {
  readonly key = 'receivers';
  readonly ids = ['receivers'];
  readonly intervalMs = CALM_MS;

  add(map: MapLibre, theme: Theme): void {
    const colour = PALETTES[theme];
    map.addSource('receivers', { type: 'geojson', data: EMPTY, tolerance: 0 });
    map.addLayer({
      id: 'receivers', type: 'symbol', source: 'receivers',
      layout: {
        'icon-image': symbolId.mark('receiver', theme), 'icon-allow-overlap': true, 'icon-size': ['interpolate', ['linear'], ['zoom'], 6, 0.6, 10, 1],
        'text-field': ['step', ['zoom'], '', 9, ['get', 'label']], 'text-font': FONT, 'text-size': 10.5, 'text-anchor': 'top',
        'text-offset': [0, 1.2], 'text-optional': true,
      },
      paint: {
        'icon-opacity': ['get', 'opacity'], 'text-color': colour.ink, 'text-halo-color': colour.halo, 'text-halo-width': 1.4,
      },
    });
  }

  draw(map: MapLibre, { picture }: Scene): void {
    setFeatures(map, 'receivers', [...picture.receivers.values()].flatMap((receiver) => {
      if (receiver.lat === undefined || receiver.lon === undefined) return [];
      return [point(receiver.lon, receiver.lat, {
        id: receiver.id,
        label: `${receiver.id}\n${receiver.framesPerMinute}/min`,
        opacity: receiver.estimated ? 0.6 : 1,
      })];
    }));
  }

  pick(properties: Record<string, unknown>): Selection {
    return { kind: 'receiver', id: String(properties.id) };
  }
}
