import type { RegionHistory } from 'updraft-client';
import type { Fix } from '../motion/extrapolate';
import type { Span } from './spans';

/** A recorded position of an aircraft. */
export interface PastFix extends Fix {
  /** AircraftKind. */
  kind: number;
}

/** The loaded positions of each device, in the order of time, each once. */
export class Timeline {
  readonly #tracks = new Map<number, PastFix[]>();
  readonly #names = new Map<number, string>();
  #size = 0;
  #changes = 0;

  /** How many positions there are. */
  get size(): number {
    return this.#size;
  }

  /** Grows with every change. */
  get changes(): number {
    return this.#changes;
  }

  devices(): MapIterator<number> {
    return this.#tracks.keys();
  }

  name(device: number): string | undefined {
    return this.#names.get(device);
  }

  /** Takes a page of the server. */
  add({ positions, names }: Pick<RegionHistory, 'positions' | 'names'>): void {
    for (const { device, name } of names) this.#names.set(device, name);
    const pages = new Map<number, PastFix[]>();
    for (const position of positions) {
      const fixes = pages.get(position.device) ?? [];
      pages.set(position.device, fixes);
      fixes.push({
        at: position.event_at_us / 1000, lat: position.latitude_deg, lon: position.longitude_deg, kind: position.aircraft_kind,
        altitudeM: position.altitude_m, speedKmh: position.speed_kmh, climbMps: position.climb_mps, courseDeg: position.course_deg,
      });
    }
    for (const [device, fixes] of pages) {
      const known = this.#tracks.get(device) ?? [];
      const merged = merge(known, fixes);
      this.#size += merged.length - known.length;
      this.#tracks.set(device, merged);
    }
    this.#changes++;
  }

  /** The newest position at this time, and the one after it. */
  around(device: number, at: number): { before: PastFix | undefined; after: PastFix | undefined } {
    const track = this.#tracks.get(device) ?? [];
    const index = firstAfter(track, at);
    return { before: track[index - 1], after: track[index] };
  }

  /** The positions of a device in a time, both ends included. */
  track(device: number, { from, to }: Span): readonly PastFix[] {
    const track = this.#tracks.get(device) ?? [];
    return track.slice(firstAfter(track, from - 1), firstAfter(track, to));
  }

  /** Forgets what lies outside of a time. */
  clip({ from, to }: Span): void {
    for (const [device, track] of this.#tracks) {
      const kept = track.filter(({ at }) => at >= from && at < to);
      this.#size -= track.length - kept.length;
      if (kept.length > 0) this.#tracks.set(device, kept);
      else this.#forget(device);
    }
    this.#changes++;
  }

  clear(): void {
    this.#tracks.clear();
    this.#names.clear();
    this.#size = 0;
    this.#changes++;
  }

  #forget(device: number): void {
    this.#tracks.delete(device);
    this.#names.delete(device);
  }
}

/** The index of the first position after this time. */
function firstAfter(track: readonly PastFix[], at: number): number {
  let [low, high] = [0, track.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (track[middle]!.at <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Both in order; positions of one time are the same one. */
function merge(known: readonly PastFix[], added: readonly PastFix[]): PastFix[] {
  const merged: PastFix[] = [];
  let [i, j] = [0, 0];
  while (i < known.length || j < added.length) {
    const [a, b] = [known[i], added[j]];
    const next = b === undefined || (a !== undefined && a.at <= b.at) ? a! : b;
    if (next === a) i++;
    if (next === b || (b !== undefined && b.at === next.at)) j++;
    merged.push(next);
  }
  return merged;
}
