import type { Aircraft, Ground } from 'updraft-client';
import { urgencyOf } from '../live/alerts';

/** Which aircraft and which objects on the ground the list and the map show. */
export interface Filter {
  /** Only these kinds of aircraft; empty: all. */
  kinds: readonly number[];
  /** Only these kinds of objects on the ground; empty: all. */
  groundKinds: readonly number[];
  climbing: boolean;
  /** Only those who call for help, a ride or support. */
  calls: boolean;
  /** Only the user's favourites. */
  favourites: boolean;
  /** Only the members of the group, where there is one. */
  group: boolean;
  /** Metres above sea level. */
  fromM: number | undefined;
  toM: number | undefined;
}

/** What some filters refer to. */
export interface Marks {
  favourites: ReadonlySet<number>;
  /** The colours of the group by device; empty: there is no group. */
  group: ReadonlyMap<number, string>;
  /** The devices of the fleet that is shown alone, or the own ones; undefined: all are shown. */
  chosen?: ReadonlySet<number>;
}

export const EVERYTHING: Filter = { kinds: [], groundKinds: [], climbing: false, calls: false, favourites: false, group: false, fromM: undefined, toM: undefined };
/** From here on it counts as climbing, m/s. */
const CLIMBING_MPS = 0.5;

export function isFiltered(filter: Filter): boolean {
  return writeFilter(filter) !== '';
}

/** A call for help passes every filter. An unknown value passes no limit. */
export function passes(aircraft: Aircraft, filter: Filter, marks: Marks): boolean {
  if (aircraft.alert !== 0) return true;
  const { kinds, climbing, fromM, toM } = filter;
  if (!passesMarks(aircraft.device, filter, marks)) return false;
  if (kinds.length > 0 && !kinds.includes(aircraft.kind)) return false;
  if (climbing && !((aircraft.climbMps ?? -Infinity) >= CLIMBING_MPS)) return false;
  if (fromM !== undefined && !((aircraft.altitudeM ?? -Infinity) >= fromM)) return false;
  return toM === undefined || (aircraft.altitudeM ?? Infinity) <= toM;
}

/** The same for those on the ground, whom kinds of aircraft, climb and altitude do not concern. */
export function passesGround(ground: Ground, filter: Filter, marks: Marks): boolean {
  if (ground.alert !== 0 || urgencyOf(ground.kind) !== 'none') return true;
  return passesMarks(ground.device, filter, marks) && (filter.groundKinds.length === 0 || filter.groundKinds.includes(ground.kind));
}

function passesMarks(device: number, { calls, favourites, group }: Filter, marks: Marks): boolean {
  if (marks.chosen && !marks.chosen.has(device)) return false;
  if (calls) return false;
  if (favourites && !marks.favourites.has(device)) return false;
  return !group || marks.group.size === 0 || marks.group.has(device);
}

/** As in the page's address: `climbing,kind:2,kind:5,ground:3,from:1000,to:3000`. */
export function writeFilter({ kinds, groundKinds, climbing, calls, favourites, group, fromM, toM }: Filter): string {
  return [
    ...(climbing ? ['climbing'] : []), ...(calls ? ['calls'] : []), ...(favourites ? ['favourites'] : []), ...(group ? ['group'] : []),
    ...kinds.map((kind) => `kind:${kind}`), ...groundKinds.map((kind) => `ground:${kind}`),
    ...(fromM === undefined ? [] : [`from:${fromM}`]), ...(toM === undefined ? [] : [`to:${toM}`]),
  ].join(',');
}

/** Ignores unknown parts. */
export function parseFilter(text: string | null): Filter {
  const parts = (text ?? '').split(',');
  const numbers = (name: string) => parts.filter((part) => part.startsWith(`${name}:`) && part.length > name.length + 1)
    .map((part) => Number(part.slice(name.length + 1))).filter(Number.isFinite);
  return {
    kinds: numbers('kind'), groundKinds: numbers('ground'), climbing: parts.includes('climbing'), calls: parts.includes('calls'), favourites: parts.includes('favourites'),
    group: parts.includes('group'), fromM: numbers('from')[0], toM: numbers('to')[0],
  };
}
