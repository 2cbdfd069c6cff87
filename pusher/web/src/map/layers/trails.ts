import type { Map as MapLibre } from 'maplibre-gl';
import type { Aircraft } from 'updraft-client';
import { isDark, type Theme } from '../../basemap/theme';
import { segmentsUntil } from '../../motion/past';
import { TRAIL_MS } from '../../motion/trail';
import type { Fix } from '../../motion/extrapolate';
import { isSelectedDevice } from '../../selection';
import type { Scene } from '../scene';
import { passes } from '../../ui/filter';
import { climbColour, climbStep } from '../symbols/climb';
import { CALM_MS, EMPTY, setMovingFeatures, type Layer } from './layer';

/** For aircraft that are not selected, ms. */
const SHORT_MS = 2 * 60_000;
const MAX_SEGMENTS = 15_000;

export class TrailLayer implements Layer {
  readonly key = 'trails';
  readonly ids = ['trails-rim', 'trails'];
  readonly intervalMs = CALM_MS;

  add(map: MapLibre, theme: Theme): void {
    map.addSource('trails', { type: 'geojson', data: EMPTY, tolerance: 0.1 });
    const layout = { 'line-cap': 'round', 'line-join': 'round' } as const;
    map.addLayer({
      id: 'trails-rim', type: 'line', source: 'trails', minzoom: 7.5, filter: ['get', 'selected'], layout,
      paint: { 'line-color': isDark(theme) ? '#000000' : '#22303c', 'line-width': 5.5, 'line-opacity': 0.55 },
    });
    map.addLayer({
      id: 'trails', type: 'line', source: 'trails', minzoom: 7.5, layout,
      paint: {
        'line-color': ['get', 'colour'], 'line-width': ['case', ['get', 'selected'], 3.2, 1.8],
        'line-opacity': ['case', ['get', 'selected'], 1, isDark(theme) ? 0.6 : 0.85],
      },
    });
  }

  draw(map: MapLibre, scene: Scene): void {
    const { picture, air, now, selection, followed, group, filter, past, isLive } = scene;
    const recorded = isLive || past.flight ? past.segments : segmentsUntil(past.segments, now);
    const features: GeoJSON.Feature[] = recorded.flatMap((segment) => segments(segment, true, Infinity));
    const isFirst = ({ device }: Aircraft) => isSelectedDevice(selection, device) || followed.has(device) || group.has(device);
    const aircraft = [...picture.aircraft.values()];
    // The limit leaves out others, never those that the user chose.
    for (const chosen of [true, false]) {
      for (const one of aircraft) {
        if (isFirst(one) !== chosen || (!chosen && !passes(one, filter, scene))) continue;
        if (!chosen && features.length > MAX_SEGMENTS) break;
        const since = now - (chosen ? TRAIL_MS : SHORT_MS);
        const trail = air.trails.of(one.device).filter(({ at }) => at >= since);
        features.push(...segments(trail, chosen, air.trails.gapMs, group.get(one.device)));
      }
    }
    setMovingFeatures(map, 'trails', features);
  }
}

/** Lines of equal climb colour, or of one colour, broken where the aircraft was not heard or crossed the date line. */
function segments(trail: readonly Fix[], selected: boolean, gapMs: number, colour?: string): GeoJSON.Feature[] {
  const lines: { step: number; coordinates: [number, number][] }[] = [];
  let before: Fix | undefined;
  for (const fix of trail) {
    if (before && fix.at - before.at <= gapMs && Math.abs(fix.lon - before.lon) < 180) {
      const step = colour === undefined ? climbStep(fix.climbMps) : 0;
      let line = lines.at(-1);
      const end = line?.coordinates.at(-1);
      if (line?.step !== step || end?.[0] !== before.lon || end[1] !== before.lat) {
        line = { step, coordinates: [[before.lon, before.lat]] };
        lines.push(line);
      }
      line.coordinates.push([fix.lon, fix.lat]);
    }
    before = fix;
  }
  return lines.map(({ step, coordinates }) => ({
    type: 'Feature', geometry: { type: 'LineString', coordinates }, properties: { colour: colour ?? climbColour(step), selected },
  }));
}
