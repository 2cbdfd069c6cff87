import type { ExpressionSpecification, Map as MapLibre, SymbolLayerSpecification } from 'maplibre-gl';
import { formatAddress, type Aircraft } from 'updraft-client';
import { FONT, FONT_BOLD } from '../../basemap/style';
import { PALETTES, type Theme } from '../../basemap/theme';
import { passes } from '../../ui/filter';
import { withMark } from '../../live/messages';
import { opacityByAge } from '../../motion/age';
import { isSelectedDevice, type Selection } from '../../selection';
import { formatAge } from '../../settings/formats';
import type { Scene } from '../scene';
import { aircraftKind } from '../symbols/aircraft';
import { colourStep, scaleColour } from '../symbols/colour';
import { Spreading } from '../spread';
import { shifted, worldPixels } from '../project';
import { symbolId } from '../symbols/resolve';
import { EMPTY, point, setFeatures, setMovingFeatures, type Layer } from './layer';

/** An aircraft that has not been heard for this time is as faint as it becomes, ms. */
const LIFETIME_MS = 15 * 60_000;
/** Below, aircraft are dots: symbols would hide each other. */
const SYMBOL_ZOOM = 7;
/** From here on labels have values. */
const VALUES_ZOOM = 10;
/** The size of symbols by zoom. */
const SYMBOL_SIZES: readonly (readonly [zoom: number, size: number])[] = [[SYMBOL_ZOOM, 0.6], [8, 0.72], [11, 1], [14, 1.15]];
/** From here on labels keep clear of the symbols of other aircraft. */
const CLEAR_ZOOM = VALUES_ZOOM;
/** Between a symbol and its label, by zoom, in units of the text's size: at large zooms a label keeps clear of its own symbol too. */
const LABEL_OFFSETS = { plain: 1.5, clear: 1.85, ringed: 2.1 } as const;
const SIZE = ['interpolate', ['linear'], ['zoom'], ...SYMBOL_SIZES.flat()] as unknown as ExpressionSpecification;
/** Those in distress, selected, followed or of a group. */
const RINGED: ExpressionSpecification = ['!=', ['get', 'ring'], ''];
/** A smaller change of position does not count as motion, degrees. */
const STILL_DEG = 1e-7;
/** From this age on a symbol shows its age, ms. */
const OLD_MS = 30_000;

/** The rings of aircraft; members of a group have their own. */
export const RINGS = { alert: '#f0324f', selected: '#31b5ff', followed: '#f5b301' } as const;

export class AircraftLayer implements Layer {
  readonly key = 'aircraft';
  readonly ids = ['aircraft-leaders', 'aircraft-ring', 'aircraft-dots', 'aircraft', 'aircraft-first', 'aircraft-room'];
  /** Without the lines to the true positions, which have no device, and without the room of the symbols, which is not seen. */
  readonly clickable = ['aircraft-ring', 'aircraft-dots', 'aircraft', 'aircraft-first'];
  readonly intervalMs = 0;
  readonly #spreading = new Spreading();
  #spreadZoom = 0;
  #moved = 0;
  /** The drawn positions of the symbols. */
  #drawn = new Map<number, readonly [lon: number, lat: number]>();
  #drawnPositions: ReadonlyMap<number, readonly [lon: number, lat: number]> = new Map();

  /** How often a drawn aircraft has changed its position. */
  get moved(): number {
    return this.#moved;
  }

  add(map: MapLibre, theme: Theme): void {
    const colour = PALETTES[theme];
    map.addSource('aircraft', { type: 'geojson', data: EMPTY, tolerance: 0, buffer: 64 });
    map.addSource('aircraft-leaders', { type: 'geojson', data: EMPTY, tolerance: 0 });
    map.addLayer({
      id: 'aircraft-leaders', type: 'line', source: 'aircraft-leaders', minzoom: SYMBOL_ZOOM,
      paint: { 'line-color': colour.ink, 'line-width': 1, 'line-opacity': 0.45 },
    });
    map.addLayer({
      id: 'aircraft-ring', type: 'circle', source: 'aircraft', filter: RINGED,
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
    const offset = (unringed: number): ExpressionSpecification => ['case', RINGED, LABEL_OFFSETS.ringed, unringed];
    const labels = {
      'text-font': FONT_BOLD, 'text-size': 12, 'text-variable-anchor': ['left', 'right', 'bottom', 'top'],
      'text-radial-offset': ['step', ['zoom'], offset(LABEL_OFFSETS.plain), CLEAR_ZOOM, offset(LABEL_OFFSETS.clear)], 'text-justify': 'auto', 'text-max-width': 14, 'text-line-height': 1.15,
    } satisfies SymbolLayerSpecification['layout'];
    const ink = { 'text-opacity': ['get', 'opacity'], 'text-color': colour.ink, 'text-halo-color': colour.halo, 'text-halo-width': 1.6 } satisfies SymbolLayerSpecification['paint'];
    map.addLayer({
      id: 'aircraft', type: 'symbol', source: 'aircraft', minzoom: SYMBOL_ZOOM,
      layout: {
        'icon-image': ['get', 'icon'], 'icon-rotate': ['get', 'course'], 'icon-rotation-alignment': 'map', 'icon-pitch-alignment': 'viewport', 'icon-allow-overlap': true,
        'icon-ignore-placement': true, 'icon-size': SIZE,
        'symbol-sort-key': ['get', 'sort'],
        'text-field': labelText((text) => ['case', RINGED, '', text]), 'text-optional': true, ...labels,
      },
      paint: { 'icon-opacity': ['get', 'opacity'], ...ink },
    });
    // Above, so that they are placed before the labels of others. An aircraft in distress is the highest symbol, and would be placed last.
    // In a gaggle without a free place they stand over the symbols of others.
    map.addLayer({
      id: 'aircraft-first', type: 'symbol', source: 'aircraft', minzoom: SYMBOL_ZOOM, filter: RINGED,
      layout: { 'symbol-sort-key': ['-', ['get', 'sort']], 'text-overlap': 'cooperative', 'text-field': labelText((text) => text), ...labels }, paint: ink,
    });
    // MapLibre places layers from above to below, so that labels find the room of every symbol taken. It does not turn with the symbol:
    // the box about a turned one would be larger.
    map.addLayer({
      id: 'aircraft-room', type: 'symbol', source: 'aircraft', minzoom: CLEAR_ZOOM,
      layout: { 'icon-image': symbolId.room, 'icon-allow-overlap': true, 'icon-padding': 0, 'icon-size': SIZE },
    });
  }

  /** Where the symbols of the last drawing stand. */
  get drawnPositions(): ReadonlyMap<number, readonly [lon: number, lat: number]> {
    return this.#drawnPositions;
  }

  draw(map: MapLibre, scene: Scene): void {
    const drawn = new Map<number, readonly [number, number]>();
    const features: GeoJSON.Feature<GeoJSON.Point>[] = [];
    const labelled = map.getZoom() >= VALUES_ZOOM;
    for (const aircraft of scene.picture.aircraft.values()) {
      if (!isSelectedDevice(scene.selection, aircraft.device) && !passes(aircraft, scene.filter, scene)) continue;
      const feature = featureOf(aircraft, scene, labelled);
      features.push(feature);
      const [lon, lat] = feature.geometry.coordinates as [number, number];
      const before = this.#drawn.get(aircraft.device);
      if (before && Math.abs(before[0] - lon) + Math.abs(before[1] - lat) > STILL_DEG) this.#moved++;
      drawn.set(aircraft.device, [lon, lat]);
    }
    this.#drawn = drawn;
    setFeatures(map, 'aircraft-leaders', this.#spread(map.getZoom(), features));
    this.#drawnPositions = new Map(features.map(({ geometry, properties }) => [Number(properties?.device), geometry.coordinates as [number, number]]));
    setMovingFeatures(map, 'aircraft', features);
  }

  /** Moves overlapping symbols apart; returns the lines to their true positions. */
  #spread(zoom: number, features: GeoJSON.Feature<GeoJSON.Point>[]): GeoJSON.Feature[] {
    if (Math.abs(zoom - this.#spreadZoom) > 0.05) this.#spreading.reset();
    this.#spreadZoom = zoom;
    if (zoom < SYMBOL_ZOOM) return [];
    // Symbols grow with the zoom, and so does the space that they need.
    const scale = symbolSize(zoom) / symbolSize(8);
    const spots = features.map(({ geometry, properties }) => {
      const { x, y } = worldPixels(geometry.coordinates[0]!, geometry.coordinates[1]!, zoom);
      // The selected aircraft stays at the end of its track.
      return { id: Number(properties?.device), x: x / scale, y: y / scale, fixed: properties?.selected === true };
    });
    const shifts = this.#spreading.next(spots);
    const leaders: GeoJSON.Feature[] = [];
    for (const { geometry, properties } of features) {
      const shift = shifts.get(Number(properties?.device));
      if (!shift) continue;
      const [lon, lat] = geometry.coordinates as [number, number];
      geometry.coordinates = shifted(lon, lat, shift.dx * scale, shift.dy * scale, zoom);
      leaders.push({ type: 'Feature', properties: {}, geometry: { type: 'LineString', coordinates: [[lon, lat], geometry.coordinates] } });
    }
    return leaders;
  }

  pick(properties: Record<string, unknown>): Selection {
    return { kind: 'device', device: Number(properties.device) };
  }
}

function featureOf(aircraft: Aircraft, { air, now, selection, followed, group, formats, colour, elevationAt }: Scene, labelled: boolean): GeoJSON.Feature<GeoJSON.Point> {
  const { lat, lon, altitudeM, courseDeg } = air.whereNow(aircraft, now);
  const selected = isSelectedDevice(selection, aircraft.device);
  const ageMs = now - aircraft.at;
  const step = colourStep(colour, { climb: aircraft.climbMps, altitude: aircraft.altitudeM, age: ageMs / 1000 }[colour]);
  const age = ageMs > OLD_MS ? formatAge(ageMs) : '';
  // At small zooms it is not shown, and would need a terrain tile per aircraft.
  const above = formats.aboveGround(altitudeM, altitudeM === undefined || !labelled ? undefined : elevationAt(lat, lon));
  return point(lon, lat, {
    device: aircraft.device,
    icon: symbolId.aircraft(aircraft.kind, colour, step),
    colour: scaleColour(colour, step),
    course: aircraftKind(aircraft.kind).turns ? (courseDeg ?? 0) : 0,
    name: withMark(aircraft.name ?? formatAddress(aircraft.device), aircraft, now),
    values: [altitudeM === undefined ? '' : formats.altitude(altitudeM), formats.climb(aircraft.climbMps), age].filter(Boolean).join('  '),
    agl: above && `\n${above}`,
    age,
    opacity: opacityByAge(ageMs, LIFETIME_MS),
    selected,
    ring: aircraft.alert ? RINGS.alert : selected ? RINGS.selected : group.get(aircraft.device) ?? (followed.has(aircraft.device) ? RINGS.followed : ''),
    sort: aircraft.alert ? 2 ** 26 : selected ? 2 ** 25 : aircraft.device,
  });
}

/** The text of a label by zoom. `where`: restricts it to some aircraft. */
function labelText(where: (text: ExpressionSpecification) => ExpressionSpecification): ExpressionSpecification {
  const named: ExpressionSpecification = ['concat', ['get', 'name'], ['case', ['==', ['get', 'age'], ''], '', ['concat', '\n', ['get', 'age']]]];
  const complete: ExpressionSpecification = [
    'format', ['get', 'name'], {}, '\n', {}, ['get', 'values'], { 'font-scale': 0.88, 'text-font': ['literal', FONT] },
    ['get', 'agl'], { 'font-scale': 0.8, 'text-font': ['literal', FONT] },
  ];
  return ['step', ['zoom'], where(['get', 'age']), 8.5, where(named), VALUES_ZOOM, where(complete)];
}

/** As the style draws it: linear between two zooms. */
function symbolSize(zoom: number): number {
  const after = SYMBOL_SIZES.findIndex(([at]) => at > zoom);
  const [to, from] = [SYMBOL_SIZES.at(after)!, SYMBOL_SIZES[after - 1]];
  if (!from) return to[1];
  return from[1] + ((zoom - from[0]) / (to[0] - from[0])) * (to[1] - from[1]);
}
