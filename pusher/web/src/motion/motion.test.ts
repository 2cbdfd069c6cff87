import { describe, expect, it } from 'vitest';
import { distanceKm } from 'updraft-client';
import { opacityByAge } from './age';
import { extrapolate, MAX_AHEAD_S, type Fix } from './extrapolate';
import { nextFlight, whereNow } from './flight';
import { refreshAfterMs } from './past';
import { Trails, TRAIL_MS } from './trail';
import { turnRateDps } from './turn';

const FIX: Fix = { lat: 46.6, lon: 8, at: 0, altitudeM: 2000, speedKmh: 36, climbMps: 2, courseDeg: 90 };

function metresBetween(a: { lat: number; lon: number }, b: { lat: number; lon: number }): number {
  return distanceKm(a.lat, a.lon, b.lat, b.lon) * 1000;
}

describe('extrapolate', () => {
  it('continues along the course', () => {
    const later = extrapolate(FIX, 0, 10_000);
    expect(metresBetween(FIX, later)).toBeCloseTo(100, 0);
    expect(later.lat).toBeCloseTo(46.6, 6);
    expect(later.lon).toBeGreaterThan(8);
    expect(later.altitudeM).toBe(2020);
  });

  it('comes back to where it was after a full circle', () => {
    const later = extrapolate(FIX, 36, 10_000);
    expect(metresBetween(FIX, later)).toBeLessThan(0.5);
    expect(later.courseDeg).toBeCloseTo(90);
  });

  it('turns right when clockwise: from east to south', () => {
    const later = extrapolate(FIX, 9, 10_000);
    expect(later.courseDeg).toBeCloseTo(180);
    expect(later.lat).toBeLessThan(46.6);
    expect(later.lon).toBeGreaterThan(8);
    // A quarter of a circle of 400 m: its chord is 90 m.
    expect(metresBetween(FIX, later)).toBeCloseTo((100 * 2 * Math.SQRT2) / Math.PI, 0);
  });

  it('agrees with many small straight steps', () => {
    let stepped: Fix = FIX;
    for (let ms = 0; ms < 8000; ms += 10) stepped = { ...stepped, ...extrapolate({ ...stepped, at: 0, courseDeg: 90 + (12 * (ms + 5)) / 1000 }, 0, 10) };
    expect(metresBetween(stepped, extrapolate(FIX, 12, 8000))).toBeLessThan(0.5);
  });

  it('stops at the largest age', () => {
    expect(extrapolate(FIX, 0, 3_600_000)).toEqual(extrapolate(FIX, 0, MAX_AHEAD_S * 1000));
  });

  it('stays put without a course or speed, and before its time', () => {
    expect(extrapolate({ ...FIX, courseDeg: undefined }, 0, 5000)).toMatchObject({ lat: 46.6, lon: 8 });
    expect(extrapolate({ ...FIX, speedKmh: undefined }, 0, 5000)).toMatchObject({ lat: 46.6, lon: 8 });
    expect(extrapolate(FIX, 0, -5000)).toMatchObject({ lat: 46.6, lon: 8, altitudeM: 2000 });
  });

  it('crosses the date line', () => {
    const later = extrapolate({ ...FIX, lon: 179.9999 }, 0, 10_000);
    expect(later.lon).toBeLessThan(-179.99);
  });

  it('leaves an unknown altitude unknown', () => {
    expect(extrapolate({ ...FIX, altitudeM: undefined }, 0, 5000).altitudeM).toBeUndefined();
  });
});

describe('turnRateDps', () => {
  const at = (ms: number, courseDeg: number): Fix => ({ ...FIX, at: ms, courseDeg });

  it('takes the short way round', () => {
    expect(turnRateDps(at(0, 350), at(2000, 10))).toBe(10);
    expect(turnRateDps(at(0, 10), at(2000, 350))).toBe(-10);
  });

  it('is 0 for too short, too long or too much', () => {
    expect(turnRateDps(at(0, 0), at(100, 5))).toBe(0);
    expect(turnRateDps(at(0, 0), at(20_000, 90))).toBe(0);
    expect(turnRateDps(at(0, 0), at(1000, 170))).toBe(0);
    expect(turnRateDps(undefined, at(0, 0))).toBe(0);
  });
});

describe('a flight', () => {
  it('does not jump at a new fix, and soon follows it', () => {
    const first = nextFlight(FIX, undefined, 0);
    const shifted = { ...FIX, ...extrapolate(FIX, 0, 4000), lat: 46.6003, at: 4000 };
    const second = nextFlight(shifted, first, 4000);
    expect(metresBetween(whereNow(first, 4000), whereNow(second, 4000))).toBeLessThan(0.5);
    expect(metresBetween(extrapolate(shifted, 0, 7000), whereNow(second, 7000))).toBeLessThan(0.5);
  });

  it('jumps when the correction is large', () => {
    const second = nextFlight({ ...FIX, lat: 47, at: 4000 }, nextFlight(FIX, undefined, 0), 4000);
    expect(whereNow(second, 4000).lat).toBe(47);
  });

  it('keeps its turn when the same fix is received again', () => {
    const first = nextFlight({ ...FIX, at: 0, courseDeg: 0 }, undefined, 0);
    const second = nextFlight({ ...FIX, at: 2000, courseDeg: 20 }, first, 2000);
    expect(nextFlight({ ...FIX, at: 2000, courseDeg: 20 }, second, 3000).turnDps).toBe(10);
  });
});

describe('trails', () => {
  it('keep the last minutes, in order', () => {
    const trails = new Trails();
    for (const at of [0, 60_000, 50_000, TRAIL_MS, TRAIL_MS + 30_000]) trails.add(1, { ...FIX, at });
    expect(trails.of(1).map(({ at }) => at)).toEqual([60_000, TRAIL_MS, TRAIL_MS + 30_000]);
  });

  it('are bounded in points and devices', () => {
    const trails = new Trails();
    for (let at = 0; at < 1000; at++) trails.add(1, { ...FIX, at });
    expect(trails.of(1)).toHaveLength(400);
    for (let device = 2; device < 5100; device++) trails.add(device, FIX);
    expect(trails.of(1)).toHaveLength(0);
    expect(trails.of(5099)).toHaveLength(1);
  });

  it('are removed when nothing of them is shown any more', () => {
    const trails = new Trails();
    trails.add(1, FIX);
    trails.prune(TRAIL_MS + 1);
    expect(trails.of(1)).toHaveLength(0);
  });
});

it('fades by age and never to nothing', () => {
  expect(opacityByAge(0)).toBe(1);
  expect(opacityByAge(20_000)).toBe(1);
  expect(opacityByAge(160_000)).toBeCloseTo(0.65);
  expect(opacityByAge(10 ** 9)).toBeCloseTo(0.3);
});

describe('the recorded track', () => {
  it('is loaded again soon while it is short, and rarely once it is long', () => {
    expect(refreshAfterMs(0)).toBeLessThanOrEqual(3_000);
    expect(refreshAfterMs(20)).toBeLessThan(5_000);
    expect(refreshAfterMs(2_000)).toBe(60_000);
  });
});
