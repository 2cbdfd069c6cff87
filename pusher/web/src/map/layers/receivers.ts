import type { Map as MapLibre } from 'maplibre-gl';
import { destination, type Receiver } from 'updraft-client';
import { FONT } from '../../basemap/style';
import { PALETTES, type Theme } from '../../basemap/theme';
import type { ReceiverReport } from '../../live/receiver-reports';
import { t } from '../../settings/language';
import { formatAge } from '../../settings/formats';
import type { Selection } from '../../selection';
import type { Scene } from '../scene';
import { symbolId } from '../symbols/resolve';
import { CALM_MS, EMPTY, point, setFeatures, type Layer } from './layer';

const COVERAGE = '#7c5cff';
/** A receiver that has heard nothing for so long is faint, and its label says for how long, ms. */
const SILENT_MS = 10 * 60_000;

export class ReceiverLayer implements Layer {
  readonly key = 'receivers';
  readonly ids = ['receivers-coverage', 'receivers-rim', 'receivers'];
  readonly clickable = ['receivers'];
  readonly intervalMs = CALM_MS;

  add(map: MapLibre, theme: Theme): void {
    const colour = PALETTES[theme];
    map.addSource('receivers-coverage', { type: 'geojson', data: EMPTY });
    map.addLayer({ id: 'receivers-coverage', type: 'fill', source: 'receivers-coverage', paint: { 'fill-color': COVERAGE, 'fill-opacity': 0.14 } });
    map.addLayer({ id: 'receivers-rim', type: 'line', source: 'receivers-coverage', paint: { 'line-color': COVERAGE, 'line-width': 1.4, 'line-opacity': 0.8 } });
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

  draw(map: MapLibre, { picture, now, selection, receiverReport }: Scene): void {
    const selected = selection?.kind === 'receiver' ? picture.receivers.get(selection.id) : undefined;
    setFeatures(map, 'receivers-coverage', selected ? coverageOf(selected, receiverReport(selected.id)) : []);
    setFeatures(map, 'receivers', [...picture.receivers.values()].flatMap((receiver) => {
      if (receiver.lat === undefined || receiver.lon === undefined) return [];
      const [report, silentMs] = [receiverReport(receiver.id), now - receiver.at];
      const isSilent = silentMs > SILENT_MS;
      const trouble = report?.clockTrouble ? ` · ${t('fact.clock')} ⚠` : report?.setAside ? ' ⚠' : '';
      return [point(receiver.lon, receiver.lat, {
        id: receiver.id,
        label: `${receiver.id}\n${isSilent ? formatAge(silentMs) : `${receiver.framesPerMinute}/min`}${trouble}`,
        opacity: isSilent ? 0.35 : receiver.estimated ? 0.6 : 1,
      })];
    }));
  }

  pick(properties: Record<string, unknown>): Selection {
    return { kind: 'receiver', id: String(properties.id) };
  }
}

/** The area where it heard aircraft: the farthest one in each direction. */
function coverageOf({ lat, lon }: Receiver, report: ReceiverReport | undefined): GeoJSON.Feature[] {
  if (lat === undefined || lon === undefined || !report || report.coverage.length < 3) return [];
  const ring = [...report.coverage].sort((a, b) => a.bearing_deg - b.bearing_deg).map(({ bearing_deg, distance_m }) => destination(lat, lon, bearing_deg, distance_m / 1000));
  return [{ type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [[...ring, ring[0]!]] } }];
}
