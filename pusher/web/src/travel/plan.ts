// What of the past to load next: pure.
import type { View } from 'updraft-client';
import { wrapLongitude } from 'updraft-client';
import { LIFETIME_MS } from './past-air';
import type { Span, Spans } from './spans';

/** How densely positions are loaded. */
export interface Resolution {
  /** Of each device one position in so many seconds. */
  stepS: number;
  /** One request has so much time, ms. */
  chunkMs: number;
  /** Up to this speed. */
  maxSpeed: number;
}

const MINUTE_MS = 60_000;
/** From fine to coarse. */
export const RESOLUTIONS: readonly Resolution[] = [
  { stepS: 5, chunkMs: 10 * MINUTE_MS, maxSpeed: 10 }, { stepS: 15, chunkMs: 30 * MINUTE_MS, maxSpeed: 30 }, { stepS: 60, chunkMs: 60 * MINUTE_MS, maxSpeed: Infinity },
];
/** So much of the user's time is loaded ahead, ms, and of the past at least the second. */
const AHEAD_MS = 20_000;
const LEAST_AHEAD_MS = 2 * MINUTE_MS;
/** Loaded before the time that is shown, ms: who was last heard then is still shown. */
const BACK_MS = LIFETIME_MS;
/** After a jump so much before and after the time that is shown comes first, ms, or a step of the resolution: enough to show who was there. */
const LEAST_HERE_MS = 30_000;
/** A shorter time is not worth a request, ms. */
const LEAST_MS = 15_000;
/** Positions of this time before now may not be recorded yet, ms. */
export const SETTLED_AFTER_MS = 30_000;

export interface Request extends Span {
  stepS: number;
  level: number;
}

/** The index of the resolution for a speed; `least`: not finer than this one. */
export function levelOf(speed: number, least: number): number {
  return Math.max(least, RESOLUTIONS.findIndex(({ maxSpeed }) => speed <= maxSpeed));
}

/** The time around the shown one that has to be loaded. */
export function neededSpan(at: number, speed: number): Span {
  return { from: at - BACK_MS, to: at + Math.max(LEAST_AHEAD_MS, AHEAD_MS * speed) };
}

/**
 * The next request, the most urgent first: after a jump a moment about the time that is shown, then what is shown next, then what was
 * just before, then further ahead. `known`: at this level or finer; `now`: the user's clock.
 */
export function nextRequest(known: Spans, at: number, speed: number, level: number, now: number): Request | undefined {
  const { stepS, chunkMs } = RESOLUTIONS[level]!;
  const needed = neededSpan(at, speed);
  const settled = now - SETTLED_AFTER_MS;
  const here = (): Request | undefined => {
    const hereMs = Math.max(LEAST_HERE_MS, 1000 * stepS);
    const gap = known.gaps({ from: at - hereMs, to: Math.min(at + hereMs, settled) })[0];
    return gap && gap.from === at - hereMs && gap.to > at ? { ...gap, stepS, level } : undefined;
  };
  const ahead = (to: number): Request | undefined => {
    const gap = known.gaps({ from: at, to: Math.min(to, settled) })[0];
    if (!gap) return undefined;
    // Beyond what is needed: one long request rather than many short ones.
    const end = Math.min(gap.from + chunkMs, settled);
    return { from: gap.from, to: known.gaps({ from: gap.from, to: end })[0]?.to ?? end, stepS, level };
  };
  const back = (): Request | undefined => {
    const gap = known.gaps({ from: needed.from, to: Math.min(at, settled) }).at(-1);
    return gap && { from: Math.max(gap.from, gap.to - chunkMs), to: gap.to, stepS, level };
  };
  const soon = at + (needed.to - at) / 4;
  return [here(), ahead(soon), back(), ahead(needed.to)].find((request) => request !== undefined && request.to - request.from >= LEAST_MS);
}

/** South, west, north, east; undefined: the complete world. */
export type Box = readonly [number, number, number, number];

/** The bounds to load for a view: longitudes within -180 to 180, the west greater than the east over the date line. */
export function boxOf({ south, west, north, east }: View): Box {
  const whole = east - west >= 360;
  return [Math.max(-90, south), whole ? -180 : wrapLongitude(west), Math.min(90, north), whole ? 180 : wrapLongitude(east)];
}

/** Whether loaded bounds still serve a view: they hold it, and not much more. */
export function serves([south, west, north, east]: Box, view: View): boolean {
  const turn = (degrees: number) => ((degrees % 360) + 360) % 360;
  const width = east - west >= 360 ? 360 : turn(east - west) || 360;
  const viewWidth = Math.min(360, view.east - view.west);
  const isInside = width === 360 || turn(view.west - west) + viewWidth <= width;
  return view.south >= south && view.north <= north && isInside && width <= viewWidth * MAX_EXCESS;
}

/** Bounds that are wider than the view by more than this factor were loaded at a smaller zoom. */
const MAX_EXCESS = 2.2;
