import type { Fix } from './extrapolate';

/** A faster turn is an error: the course turned more than once around between two fixes. */
const MAX_TURN_DPS = 30;
const MIN_INTERVAL_S = 0.5;
const MAX_INTERVAL_S = 8;

/** The turn rate between two fixes of one aircraft, degrees per second, clockwise is positive; 0 where it is unknown. */
export function turnRateDps(before: Fix | undefined, next: Fix): number {
  if (before?.courseDeg === undefined || next.courseDeg === undefined) return 0;
  const seconds = (next.at - before.at) / 1000;
  if (seconds < MIN_INTERVAL_S || seconds > MAX_INTERVAL_S) return 0;
  const turned = ((next.courseDeg - before.courseDeg + 540) % 360) - 180;
  const rate = turned / seconds;
  return Math.abs(rate) > MAX_TURN_DPS ? 0 : rate;
}
