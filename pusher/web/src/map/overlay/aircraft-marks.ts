import { formatAddress, type Aircraft } from 'updraft-client';
import { withMark } from '../../live/messages';
import { opacityByAge } from '../../motion/age';
import { isSelectedDevice } from '../../selection';
import { formatAge } from '../../settings/formats';
import { passes } from '../../ui/filter';
import { shifted, worldPixels } from '../project';
import type { Scene } from '../scene';
import type { Spreading } from '../spread';
import { aircraftKind } from '../symbols/aircraft';
import { colourStep, scaleColour } from '../symbols/colour';
import { symbolId } from '../symbols/resolve';
import { RINGS } from '../symbols/rings';
import type { Line } from './label-images';
import { spotOf, type Spot } from './screen';
import { atZoom, type Stops } from './zoomed';

/** Below, aircraft are dots: symbols would hide each other. */
export const SYMBOL_ZOOM = 7;
/** From here on labels have names. */
const NAMES_ZOOM = 8.5;
/** From here on labels have values, and keep clear of the symbols of other aircraft. */
export const VALUES_ZOOM = 10;
/** The size of symbols by zoom. */
export const SYMBOL_SIZES: Stops = [[SYMBOL_ZOOM, 0.6], [8, 0.72], [11, 1], [14, 1.15]];
/** An aircraft that has not been heard for this time is as faint as it becomes, ms. */
const LIFETIME_MS = 15 * 60_000;
/** From this age on a symbol shows its age, ms. */
const OLD_MS = 30_000;
const NAME_PX = 12, VALUES_PX = 10.6, ABOVE_PX = 9.6;
/** Longer names are cut. */
const MAX_NAME_CHARACTERS = 24;

/** How an aircraft is painted. */
export interface Mark {
  aircraft: Aircraft;
  /** Where it is. */
  home: Spot;
  /** Where its symbol stands: elsewhere where it would hide another one. */
  spot: Spot;
  icon: string;
  /** As a dot. */
  colour: string;
  courseDeg: number;
  opacity: number;
  /** Empty: it has none. */
  ring: string;
  /** Higher ones are painted above, and ringed ones labelled first. */
  rank: number;
}

/** The marks of the aircraft that pass the filter, from below to above. */
export function marksOf(scene: Scene, spreading: Spreading, zoom: number): Mark[] {
  const shown = [...scene.picture.aircraft.values()].filter((one) => isSelectedDevice(scene.selection, one.device) || passes(one, scene.filter, scene));
  const marks = shown.map((aircraft) => markOf(aircraft, scene)).sort((a, b) => a.rank - b.rank);
  if (zoom >= SYMBOL_ZOOM) spread(marks, scene, spreading, zoom);
  return marks;
}

function markOf(aircraft: Aircraft, { air, now, selection, followed, group, colour }: Scene): Mark {
  const { lat, lon, altitudeM, courseDeg } = air.whereNow(aircraft, now);
  const selected = isSelectedDevice(selection, aircraft.device);
  const ageMs = now - aircraft.at;
  const step = colourStep(colour, { climb: aircraft.climbMps, altitude: aircraft.altitudeM, age: ageMs / 1000 }[colour]);
  const home = spotOf(lon, lat, altitudeM);
  return {
    aircraft, home, spot: home,
    icon: symbolId.aircraft(aircraft.kind, colour, step),
    colour: scaleColour(colour, step),
    courseDeg: aircraftKind(aircraft.kind).turns ? (courseDeg ?? 0) : 0,
    opacity: opacityByAge(ageMs, LIFETIME_MS),
    ring: aircraft.alert ? RINGS.alert : selected ? RINGS.selected : group.get(aircraft.device) ?? (followed.has(aircraft.device) ? RINGS.followed : ''),
    rank: aircraft.alert ? 2 ** 26 : selected ? 2 ** 25 : aircraft.device,
  };
}

/** Moves overlapping symbols apart. */
function spread(marks: readonly Mark[], { selection }: Scene, spreading: Spreading, zoom: number): void {
  // Symbols grow with the zoom, and so does the space that they need.
  const scale = atZoom(SYMBOL_SIZES, zoom) / atZoom(SYMBOL_SIZES, 8);
  const shifts = spreading.next(marks.map(({ aircraft: { device }, home: { lon, lat } }) => {
    const { x, y } = worldPixels(lon, lat, zoom);
    // The selected aircraft stays at the end of its track.
    return { id: device, x: x / scale, y: y / scale, fixed: isSelectedDevice(selection, device) };
  }));
  for (const mark of marks) {
    const shift = shifts.get(mark.aircraft.device);
    if (shift) mark.spot = spotOf(...shifted(mark.home.lon, mark.home.lat, shift.dx * scale, shift.dy * scale, zoom), mark.home.altitudeM);
  }
}

/** What stands beside a symbol at a zoom; empty: nothing. */
export function labelOf({ aircraft, home: { lat, lon, altitudeM }, ring }: Mark, { now, formats, elevationAt }: Scene, zoom: number): Line[] {
  const ageMs = now - aircraft.at;
  const age = ageMs > OLD_MS ? formatAge(ageMs) : '';
  const line = (text: string, sizePx: number, isBold: boolean): Line[] => (text === '' ? [] : [{ text, sizePx, isBold }]);
  if (zoom < NAMES_ZOOM && ring === '') return line(age, NAME_PX, true);
  const name = line(cut(withMark(aircraft.name ?? formatAddress(aircraft.device), aircraft, now)), NAME_PX, true);
  if (zoom < VALUES_ZOOM) return [...name, ...line(age, NAME_PX, true)];
  const values = [altitudeM === undefined ? '' : formats.altitude(altitudeM), formats.climb(aircraft.climbMps), age].filter(Boolean).join('  ');
  return [...name, ...line(values, VALUES_PX, false), ...line(formats.aboveGround(altitudeM, elevationAt(lat, lon)), ABOVE_PX, false)];
}

function cut(name: string): string {
  const characters = [...name];
  return characters.length <= MAX_NAME_CHARACTERS ? name : `${characters.slice(0, MAX_NAME_CHARACTERS - 1).join('')}…`;
}
