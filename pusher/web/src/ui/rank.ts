import { formatAddress } from '../live/address';
import type { Aircraft } from '../live/objects';

export type SortKey = 'name' | 'altitude' | 'climb';

export interface Ranking {
  sort: SortKey;
  ascending: boolean;
  /** Part of a name or of an address; empty matches all. */
  search: string;
  /** Devices that come before all others. */
  first: ReadonlySet<number>;
}

/** Filters and orders aircraft for the list. Unknown values come last whichever way it is sorted. */
export function rank(aircraft: readonly Aircraft[], { sort, ascending, search, first }: Ranking): Aircraft[] {
  const wanted = search.trim().toLocaleLowerCase();
  const matches = wanted === '' ? [...aircraft] : aircraft.filter(({ name, device }) =>
    (name?.toLocaleLowerCase().includes(wanted) ?? false) || formatAddress(device).toLowerCase().includes(wanted));
  const direction = ascending ? 1 : -1;
  return matches.sort((a, b) => Number(first.has(b.device)) - Number(first.has(a.device))
    || compare(a, b, sort, direction) || a.device - b.device);
}

function compare(a: Aircraft, b: Aircraft, sort: SortKey, direction: number): number {
  if (sort === 'name') return unknownLast(a.name, b.name) || direction * (a.name ?? '').localeCompare(b.name ?? '');
  const [left, right] = sort === 'altitude' ? [a.altitudeM, b.altitudeM] : [a.climbMps, b.climbMps];
  return unknownLast(left, right) || direction * ((left ?? 0) - (right ?? 0));
}

function unknownLast(a: unknown, b: unknown): number {
  return Number(a === undefined) - Number(b === undefined);
}
