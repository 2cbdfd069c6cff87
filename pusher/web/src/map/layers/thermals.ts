import type { ExpressionSpecification, Map as MapLibre } from 'maplibre-gl';
import { FONT_BOLD } from '../../basemap/style';
import { PALETTES, type Theme } from '../../basemap/theme';
import type { Selection } from '../../selection';
import type { Scene } from '../scene';
import { climbColour, climbStep } from '../symbols/climb';
import { symbolId } from '../symbols/resolve';
import { CALM_MS, EMPTY, point, setFeatures, type Layer } from './layer';

const METRES_PER_PIXEL_AT_0 = 78_271.517;
const FAINTEST = 0.35;

/** Zoom, and the smallest radius in pixels that can be seen there. */
const MIN_RADIUS_PX = [[4, 3], [6, 5], [7, 8], [8, 10], [9, 13], [10, 13], [11, 13], [12, 13], [14, 13], [20, 13]] as const;

/** Metres on the ground as pixels, but never too small. */
const RADIUS: ExpressionSpecification = [
  'interpolate', ['exponential', 2], ['zoom'],
  ...MIN_RADIUS_PX.flatMap(([zoom, least]) => [zoom, ['max', least, ['*', ['get', 'radius'], 2 ** zoom]]]),
] as unknown as ExpressionSpecification;

export class ThermalLayer implements Layer {
  readonly key = 'thermals';
  readonly ids = ['thermals-ring', 'thermals-drift', 'thermals'];
  readonly intervalMs = CALM_MS;

  add(map: MapLibre, theme: Theme): void {
    const colour = PALETTES[theme];
    map.addSource('thermals', { type: 'geojson', data: EMPTY, tolerance: 0 });
    map.addLayer({
      id: 'thermals-ring', type: 'circle', source: 'thermals',
      paint: {
        'circle-radius': RADIUS, 'circle-color': ['get', 'colour'], 'circle-opacity': ['*', 0.22, ['get', 'opacity']],
        'circle-stroke-color': ['get', 'rim'], 'circle-stroke-width': ['case', ['get', 'selected'], 3, 1.6],
        'circle-stroke-opacity': ['get', 'opacity'], 'circle-pitch-alignment': 'map',
      },
    });
    map.addLayer({
      id: 'thermals-drift', type: 'symbol', source: 'thermals', minzoom: 9, filter: ['has', 'drift'],
      layout: {
        'icon-image': symbolId.mark('drift', theme), 'icon-rotate': ['get', 'drift'], 'icon-rotation-alignment': 'map', 'icon-allow-overlap': true,
        'icon-ignore-placement': true, 'icon-offset': [0, -34], 'icon-size': 0.75,
      },
      paint: { 'icon-opacity': ['*', 0.7, ['get', 'opacity']] },
    });
    map.addLayer({
      id: 'thermals', type: 'symbol', source: 'thermals',
      layout: {
        'text-field': ['step', ['zoom'], '', 8, ['get', 'label']], 'text-font': FONT_BOLD, 'text-size': 11,
        'text-allow-overlap': false, 'text-padding': 0, 'symbol-sort-key': ['get', 'sort'],
      },
      paint: { 'text-color': colour.ink, 'text-halo-color': colour.halo, 'text-halo-width': 1.4, 'text-opacity': ['get', 'opacity'] },
    });
  }

  draw(map: MapLibre, { picture, selection, formats }: Scene): void {
    setFeatures(map, 'thermals', [...picture.thermals.values()].map((thermal) => {
      const colour = climbColour(climbStep(thermal.meanClimbMps));
      const selected = selection?.kind === 'thermal' && selection.id === thermal.id;
      return point(thermal.lon, thermal.lat, {
        id: thermal.id,
        radius: thermal.radiusM / (METRES_PER_PIXEL_AT_0 * Math.cos((thermal.lat * Math.PI) / 180)),
        colour,
        rim: selected ? '#31b5ff' : colour,
        selected,
        opacity: FAINTEST + (1 - FAINTEST) * Math.min(1, thermal.quality / 5),
        label: formats.climb(thermal.meanClimbMps),
        sort: -thermal.quality,
        ...(thermal.windFromDeg !== undefined && (thermal.windKmh ?? 0) >= 1 && { drift: (thermal.windFromDeg + 180) % 360 }),
      });
    }));
  }

  pick(properties: Record<string, unknown>): Selection {
    return { kind: 'thermal', id: String(properties.id) };
  }
}
