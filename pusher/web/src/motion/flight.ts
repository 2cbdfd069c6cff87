import { wrapLongitude } from 'updraft-client';
import { extrapolate, type Estimate, type Fix } from './extrapolate';
import { turnRateDps } from './turn';

/** A correction fades with this time constant, so that a new fix does not make the symbol jump. Milliseconds. */
const CORRECTION_MS = 450;
/** A larger correction is shown at once. Degrees. */
const MAX_CORRECTION_DEG = 0.02;

/** The drawn motion of one aircraft. */
export interface Flight {
  fix: Fix;
  turnDps: number;
  /** The drawn position minus the newest fix, at the time that it was received. */
  correction: { lat: number; lon: number; at: number };
}

/** Continues the motion with a newer fix. */
export function nextFlight(fix: Fix, before: Flight | undefined, now: number): Flight {
  if (!before) return { fix, turnDps: 0, correction: { lat: 0, lon: 0, at: now } };
  const measured = turnRateDps(before.fix, fix);
  // A repeated position contains no turn rate.
  const turnDps = fix.at === before.fix.at ? before.turnDps : measured;
  const drawn = whereNow(before, now);
  const due = extrapolate(fix, turnDps, now);
  const lat = drawn.lat - due.lat;
  const lon = wrapLongitude(drawn.lon - due.lon);
  const jump = Math.abs(lat) > MAX_CORRECTION_DEG || Math.abs(lon) > MAX_CORRECTION_DEG;
  return { fix, turnDps, correction: jump ? { lat: 0, lon: 0, at: now } : { lat, lon, at: now } };
}

/** Where to draw it. */
export function whereNow({ fix, turnDps, correction }: Flight, now: number): Estimate {
  const estimate = extrapolate(fix, turnDps, now);
  const rest = Math.exp(-Math.max(0, now - correction.at) / CORRECTION_MS);
  return {
    ...estimate,
    lat: estimate.lat + correction.lat * rest,
    lon: wrapLongitude(estimate.lon + correction.lon * rest),
  };
}
