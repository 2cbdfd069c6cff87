import { formatAddress, type Aircraft, type Ground } from 'updraft-client';
import { urgencyOf } from '../live/alerts';

export type SortKey = 'name' | 'altitude' | 'climb';

export interface Ranking {
  sort: SortKey;
  ascending: boolean;
  /** Part of a name or of an address; empty matches all. */
  search: string;
  /** Devices that come before all others. */
  first: ReadonlySet<number>;
}

/** Whether a name or an address has this part, in any case. */
export function matches({ name, device }: { name?: string; device: number }, search: string): boolean {
  const wanted = search.trim().toLocaleLowerCase();
  return wanted === '' || (name?.toLocaleLowerCase().includes(wanted) ?? false) || formatAddress(device).toLowerCase().includes(wanted);
}

/** Filters and orders aircraft for the list, by the values that it shows. Unknown values are last in both sort orders. */
export function rank(aircraft: readonly Aircraft[], { sort, ascending, search, first }: Ranking): Aircraft[] {
  const direction = ascending ? 1 : -1;
  return aircraft.filter((one) => matches(one, search)).sort((a, b) => Number(first.has(b.device)) - Number(first.has(a.device))
    || compare(a, b, sort, direction) || a.device - b.device);
}

/** Devices that may need help first, then those that need a ride, then the newest. */
export function rankGround(ground: readonly Ground[]): Ground[] {
  const weight = ({ kind }: Ground) => ({ distress: 2, call: 1, none: 0 })[urgencyOf(kind)];
  return [...ground].sort((a, b) => weight(b) - weight(a) || b.at - a.at || a.device - b.device);
}

function compare(a: Aircraft, b: Aircraft, sort: SortKey, direction: number): number {
  if (sort === 'name') return unknownLast(a.name, b.name) || direction * (a.name ?? '').localeCompare(b.name ?? '');
  const [left, right] = sort === 'altitude' ? [a.altitudeM, b.altitudeM] : [a.climbMps, b.climbMps];
  return unknownLast(left, right) || direction * ((left ?? 0) - (right ?? 0));
}

function unknownLast(a: unknown, b: unknown): number {
  return Number(a === undefined) - Number(b === undefined);
}
