import { KMH_PER_MPS, wrapLongitude } from 'updraft-client';

/** A moving object at its newest known position. */
export interface Fix {
  lat: number;
  lon: number;
  /** Client's clock, ms. */
  at: number;
  altitudeM?: number;
  speedKmh?: number;
  climbMps?: number;
  courseDeg?: number;
}

/** The estimated position now. */
export interface Estimate {
  lat: number;
  lon: number;
  altitudeM?: number;
  courseDeg?: number;
}

/** Beyond this age, in seconds, the estimate stays where it was: the motion since then is unknown. */
export const MAX_AHEAD_S = 12;
const METRES_PER_DEGREE = 111_195;

/** Moves a fix on along its course, or along the arc of its turn (degrees per second, clockwise). */
export function extrapolate(fix: Fix, turnDps: number, now: number): Estimate {
  const seconds = Math.min(Math.max(0, (now - fix.at) / 1000), MAX_AHEAD_S);
  const altitudeM = fix.altitudeM === undefined ? undefined : fix.altitudeM + (fix.climbMps ?? 0) * seconds;
  if (fix.speedKmh === undefined || fix.courseDeg === undefined || seconds === 0) {
    return { lat: fix.lat, lon: fix.lon, altitudeM, courseDeg: fix.courseDeg };
  }
  const { north, east } = along(fix.speedKmh / KMH_PER_MPS, fix.courseDeg, turnDps, seconds);
  const shrink = Math.max(0.01, Math.cos((fix.lat * Math.PI) / 180));
  return {
    lat: Math.min(90, Math.max(-90, fix.lat + north / METRES_PER_DEGREE)),
    lon: wrapLongitude(fix.lon + east / (METRES_PER_DEGREE * shrink)),
    altitudeM,
    courseDeg: (((fix.courseDeg + turnDps * seconds) % 360) + 360) % 360,
  };
}

/** The flown distance in metres. */
function along(mps: number, courseDeg: number, turnDps: number, seconds: number): { north: number; east: number } {
  const course = (courseDeg * Math.PI) / 180;
  const turn = (turnDps * Math.PI) / 180;
  if (Math.abs(turn) < 0.002) {
    return { north: Math.cos(course) * mps * seconds, east: Math.sin(course) * mps * seconds };
  }
  const end = course + turn * seconds;
  const radius = mps / turn;
  return { north: radius * (Math.sin(end) - Math.sin(course)), east: radius * (Math.cos(course) - Math.cos(end)) };
}
