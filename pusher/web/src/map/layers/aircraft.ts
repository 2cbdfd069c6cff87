import type { Map as MapLibre } from 'maplibre-gl';
import { FONT, FONT_BOLD } from '../../basemap/style';
import { PALETTES, type Theme } from '../../basemap/theme';
import { formatAddress } from '../../live/address';
import type { Aircraft } from '../../live/objects';
import { opacityByAge } from '../../motion/age';
import { isSelectedDevice, type Selection } from '../../selection';
import { formatClimb } from '../../ui/format';
import type { Scene } from '../scene';
import { aircraftKind } from '../symbols/aircraft';
import { climbColour, climbStep } from '../symbols/climb';
import { symbolId } from '../symbols/resolve';
import { EMPTY, point, setFeatures, type Layer } from './layer';

/** An aircraft that has not been heard for this long is gone, ms. */
const LIFETIME_MS = 15 * 60_000;
/** Below, aircraft are dots: symbols would hide each other. */
const SYMBOL_ZOOM = 7;
/** A smaller change of place is no motion, degrees. */
const STILL_DEG = 1e-7;

export class AircraftLayer implements Layer {
  readonly key = 'aircraft';
  readonly ids = ['aircraft-ring', 'aircraft-dots', 'aircraft'];
  readonly intervalMs = 0;
  #moved = 0;
  #drawn = new Map<number, readonly [lon: number, lat: number]>();

  /** How often a drawn aircraft has changed its place. */
  get moved(): number {
    return this.#moved;
  }

  add(map: MapLibre, theme: Theme): void {
    const colour = PALETTES[theme];
    map.addSource('aircraft', { type: 'geojson', data: EMPTY, tolerance: 0, buffer: 64 });
    map.addLayer({
      id: 'aircraft-ring', type: 'circle', source: 'aircraft', filter: ['!=', ['get', 'ring'], ''],
      paint: {
        'circle-radius': ['interpolate', ['linear'], ['zoom'], 6, 13, 12, 25], 'circle-color': ['get', 'ring'], 'circle-opacity': 0.16,
        'circle-stroke-color': ['get', 'ring'], 'circle-stroke-width': 2,
      },
    });
    map.addLayer({
      id: 'aircraft-dots', type: 'circle', source: 'aircraft', maxzoom: SYMBOL_ZOOM,
      paint: {
        'circle-radius': ['interpolate', ['linear'], ['zoom'], 3, 2.2, 7, 4.5], 'circle-color': ['get', 'colour'], 'circle-opacity': ['get', 'opacity'],
        'circle-stroke-color': '#0c1620', 'circle-stroke-width': 1, 'circle-stroke-opacity': ['get', 'opacity'],
      },
    });
    map.addLayer({
      id: 'aircraft', type: 'symbol', source: 'aircraft', minzoom: SYMBOL_ZOOM,
      layout: {
        'icon-image': ['get', 'icon'], 'icon-rotate': ['get', 'course'], 'icon-rotation-alignment': 'map', 'icon-allow-overlap': true,
        'icon-ignore-placement': true, 'icon-size': ['interpolate', ['linear'], ['zoom'], SYMBOL_ZOOM, 0.6, 8, 0.72, 11, 1, 14, 1.15],
        'symbol-sort-key': ['get', 'sort'],
        'text-field': ['step', ['zoom'], '', 8.5, ['get', 'name'], 10, [
          'format', ['get', 'name'], {}, '\n', {}, ['get', 'values'], { 'font-scale': 0.88, 'text-font': ['literal', FONT] },
        ]],
        'text-font': FONT_BOLD, 'text-size': 12, 'text-optional': true, 'text-variable-anchor': ['left', 'right', 'bottom', 'top'],
        'text-radial-offset': ['case', ['==', ['get', 'ring'], ''], 1.5, 2.1], 'text-justify': 'auto', 'text-max-width': 14, 'text-line-height': 1.15,
      },
      paint: {
        'icon-opacity': ['get', 'opacity'], 'text-opacity': ['get', 'opacity'], 'text-color': colour.ink,
        'text-halo-color': colour.halo, 'text-halo-width': 1.6,
      },
    });
  }

  draw(map: MapLibre, scene: Scene): void {
    const drawn = new Map<number, readonly [number, number]>();
    const features: GeoJSON.Feature[] = [];
    for (const aircraft of scene.picture.aircraft.values()) {
      const feature = featureOf(aircraft, scene);
      features.push(feature);
      const [lon, lat] = feature.geometry.coordinates as [number, number];
      const before = this.#drawn.get(aircraft.device);
      if (before && Math.abs(before[0] - lon) + Math.abs(before[1] - lat) > STILL_DEG) this.#moved++;
      drawn.set(aircraft.device, [lon, lat]);
    }
    this.#drawn = drawn;
    setFeatures(map, 'aircraft', features);
  }

  pick(properties: Record<string, unknown>): Selection {
    return { kind: 'device', device: Number(properties.device) };
  }
}

function featureOf(aircraft: Aircraft, { air, now, selection, followed }: Scene): GeoJSON.Feature<GeoJSON.Point> {
  const { lat, lon, altitudeM, courseDeg } = air.whereNow(aircraft, now);
  const selected = isSelectedDevice(selection, aircraft.device);
  const step = climbStep(aircraft.climbMps);
  const climb = formatClimb(aircraft.climbMps);
  return point(lon, lat, {
    device: aircraft.device,
    icon: symbolId.aircraft(aircraft.kind, step),
    colour: climbColour(step),
    course: aircraftKind(aircraft.kind).turns ? (courseDeg ?? 0) : 0,
    name: aircraft.name ?? formatAddress(aircraft.device),
    values: [altitudeM === undefined ? '' : `${Math.round(altitudeM)} m`, climb].filter(Boolean).join('  '),
    opacity: opacityByAge(now - aircraft.at, LIFETIME_MS),
    ring: aircraft.alert ? '#f0324f' : selected ? '#31b5ff' : followed.has(aircraft.device) ? '#f5b301' : '',
    sort: aircraft.alert ? 2 ** 26 : selected ? 2 ** 25 : aircraft.device,
  });
}
