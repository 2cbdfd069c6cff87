import { describe, expect, it } from 'vitest';
import type { PastPosition } from 'updraft-client';
import { Formats } from '../settings/formats';
import { PastClock } from './clock';
import { historyUrl } from './loader';
import { between, LIFETIME_MS, PastAir } from './past-air';
import { boxOf, levelOf, neededSpan, nextRequest, serves, SETTLED_AFTER_MS } from './plan';
import { Spans } from './spans';
import { Timeline } from './timeline';
import { isPresent, LIVE_EDGE_MS } from './present';

const NOON = Date.UTC(2026, 5, 1, 12);
const MINUTE = 60_000;

const position = (device: number, at: number, some: Partial<PastPosition> = {}): PastPosition => ({
  device, event_at_us: at * 1000, latitude_deg: 46.5, longitude_deg: 8, altitude_m: 2000, speed_kmh: 36, climb_mps: 1.5, course_deg: 90, aircraft_kind: 2, ...some,
});

function timelineOf(...positions: PastPosition[]): Timeline {
  const timeline = new Timeline();
  timeline.add({ positions, names: [{ device: 1, name: 'Ada' }] });
  return timeline;
}

describe('the clock of the past', () => {
  it('passes as fast as is chosen, and stands while it is paused', () => {
    const clock = new PastClock(NOON, 0);
    clock.tick(500, NOON + MINUTE);
    expect(clock.at).toBe(NOON);
    clock.playing = true;
    clock.speed = 30;
    clock.tick(1000, NOON + MINUTE);
    expect(clock.at).toBe(NOON + 15_000);
  });

  it('waits where loaded positions end, skips nothing after a pause', () => {
    const clock = new PastClock(NOON, 0);
    clock.playing = true;
    clock.speed = 120;
    clock.tick(600_000, NOON + 600_000);
    expect(clock.at).toBe(NOON + 120_000);
    clock.tick(601_000, NOON + 130_000);
    expect([clock.at, clock.waiting]).toEqual([NOON + 130_000, false]);
    clock.tick(602_000, NOON + 130_000);
    expect([clock.at, clock.waiting]).toEqual([NOON + 130_000, true]);
  });
});

it('joins known times, and finds the gaps', () => {
  const spans = new Spans();
  for (const [from, to] of [[10, 20], [40, 50], [20, 25], [60, 60], [18, 22]] as const) spans.add({ from, to });
  expect(spans.gaps({ from: 0, to: 100 })).toEqual([{ from: 0, to: 10 }, { from: 25, to: 40 }, { from: 50, to: 100 }]);
  expect(spans.gaps({ from: 12, to: 24 })).toEqual([]);
  expect(spans.gaps({ from: 30, to: 20 })).toEqual([]);
  expect([9, 10, 24, 25, 49].map((at) => spans.endOf(at))).toEqual([9, 25, 25, 25, 50]);
  spans.clip({ from: 15, to: 45 });
  expect(spans.gaps({ from: 0, to: 100 })).toEqual([{ from: 0, to: 15 }, { from: 25, to: 40 }, { from: 45, to: 100 }]);
});

describe('the timeline', () => {
  it('has each position once, in order, independent of which came first', () => {
    const timeline = timelineOf(position(1, NOON + 20_000), position(1, NOON + 40_000), position(2, NOON));
    timeline.add({ positions: [position(1, NOON), position(1, NOON + 20_000), position(1, NOON + 30_000)], names: [] });
    expect(timeline.track(1, { from: 0, to: Infinity }).map(({ at }) => at - NOON)).toEqual([0, 20_000, 30_000, 40_000]);
    expect([timeline.size, timeline.name(1), timeline.name(2)]).toEqual([5, 'Ada', undefined]);
    expect(timeline.track(1, { from: NOON + 20_000, to: NOON + 30_000 })).toHaveLength(2);
  });

  it('finds the positions around a time', () => {
    const timeline = timelineOf(position(1, NOON), position(1, NOON + 20_000));
    const around = (at: number) => Object.values(timeline.around(1, at)).map((fix) => fix?.at);
    expect([NOON - 1, NOON, NOON + 19_999, NOON + 20_000].map(around)).toEqual([
      [undefined, NOON], [NOON, NOON + 20_000], [NOON, NOON + 20_000], [NOON + 20_000, undefined],
    ]);
  });

  it('forgets what is far', () => {
    const timeline = timelineOf(position(1, NOON), position(1, NOON + 20_000), position(2, NOON));
    timeline.clip({ from: NOON + 1, to: NOON + MINUTE });
    expect([timeline.size, [...timeline.devices()]]).toEqual([1, [1]]);
  });
});

describe('the air of the past', () => {
  it('has an aircraft between two positions, and at the last one with its age', () => {
    const air = new PastAir(timelineOf(position(1, NOON), position(1, NOON + 60_000, { latitude_deg: 46.6, altitude_m: 2100 })));
    air.show(NOON + 30_000);
    const [aircraft] = air.picture.aircraft.values();
    expect(aircraft).toMatchObject({ device: 1, name: 'Ada', lat: 46.55, lon: 8, altitudeM: 2050, speedKmh: 36, climbMps: 1.5, kind: 2, at: NOON + 30_000 });
    air.show(NOON + 90_000);
    expect([...air.picture.aircraft.values()][0]).toMatchObject({ lat: 46.6, altitudeM: 2100, at: NOON + 60_000 });
    // Back again: what is later does not stay.
    air.show(NOON);
    expect([...air.picture.aircraft.values()][0]).toMatchObject({ lat: 46.5, at: NOON });
    expect(air.trails.of(1).map(({ at }) => at)).toEqual([NOON]);
    air.show(NOON + 10_000);
    expect(air.trails.of(1).map(({ at }) => at)).toEqual([NOON, NOON + 10_000]);
  });

  it('shows no aircraft before its first position, nor long after its last one', () => {
    const air = new PastAir(timelineOf(position(1, NOON), position(2, NOON + MINUTE)));
    const shown = (at: number) => {
      air.show(at);
      return [...air.picture.aircraft.values()].map(({ device }) => device);
    };
    expect([NOON - 1, NOON, NOON + MINUTE, NOON + LIFETIME_MS + 1, NOON + 2 * LIFETIME_MS].map(shown)).toEqual([[], [1], [1, 2], [2], []]);
    expect(shown(NOON)).toEqual([1]);
  });

  it('does not invent a way over a long silence', () => {
    const air = new PastAir(timelineOf(position(1, NOON), position(1, NOON + 10 * MINUTE, { latitude_deg: 47 })));
    air.show(NOON + 5 * MINUTE);
    expect([...air.picture.aircraft.values()][0]).toMatchObject({ lat: 46.5, at: NOON });
  });

  it('takes the short way over north and the date line', () => {
    const fix = between({ at: 0, lat: 0, lon: 179.9, courseDeg: 350 }, { at: 10, lat: 0, lon: -179.9, courseDeg: 20 }, 5);
    expect(Math.abs(fix.lon)).toBeCloseTo(180, 6);
    expect(fix.courseDeg).toBeCloseTo(5);
    expect(between({ at: 0, lat: 0, lon: 0 }, { at: 10, lat: 1, lon: 0, altitudeM: 5 }, 5)).toMatchObject({ lat: 0.5, altitudeM: undefined, courseDeg: undefined });
  });
});

describe('what is loaded next', () => {
  const now = NOON + 24 * 60 * MINUTE;

  it('is denser the slower it plays', () => {
    expect([1, 10, 30, 60, 120].map((speed) => levelOf(speed, 0))).toEqual([0, 0, 1, 2, 2]);
    expect(levelOf(1, 2)).toBe(2);
  });

  it('is loaded from the shown moment outwards', () => {
    const known = new Spans();
    const at = NOON;
    const requests = [];
    for (let request = nextRequest(known, at, 120, 2, now); request && requests.length < 9; request = nextRequest(known, at, 120, 2, now)) {
      requests.push([(request.from - at) / MINUTE, (request.to - at) / MINUTE]);
      known.add(request);
    }
    expect(requests).toEqual([[-1, 1], [1, 61], [-15, -1]]);
    expect(known.gaps(neededSpan(at, 120))).toEqual([]);
  });

  it('does not load twice, nor what is not settled yet', () => {
    const known = new Spans();
    known.add({ from: NOON - 60 * MINUTE, to: NOON });
    known.add({ from: NOON + 5 * MINUTE, to: NOON + 7 * MINUTE });
    expect(nextRequest(known, NOON, 1, 0, now)).toEqual({ from: NOON, to: NOON + 5 * MINUTE, stepS: 5, level: 0 });
    expect(nextRequest(known, NOON, 1, 0, NOON + SETTLED_AFTER_MS + 60_000)).toMatchObject({ to: NOON + 60_000 });
    expect(nextRequest(known, NOON, 1, 0, NOON + SETTLED_AFTER_MS + 1000)).toBeUndefined();
  });

  it('is in bounds that serve the view', () => {
    const view = { south: 46, west: 7, north: 47, east: 9 };
    expect(serves([45.9, 6.8, 47.1, 9.2], view)).toBe(true);
    expect([[46.1, 6.8, 47.1, 9.2], [45.9, 7.1, 47.1, 9.2], [45.9, 0, 47.1, 12]].map(([south, west, north, east]) => serves([south!, west!, north!, east!], view)))
      .toEqual([false, false, false]);
    const pacific = { south: -20, west: 175, north: -10, east: 185 };
    expect(boxOf(pacific)).toEqual([-20, 175, -10, -175]);
    expect(serves(boxOf(pacific), pacific)).toBe(true);
    expect(boxOf({ south: -99, west: -300, north: 99, east: 300 })).toEqual([-90, -180, 90, 180]);
  });

  it('is requested by page', () => {
    const url = historyUrl([45.9, 6.8, 47.1, 9.2], { from: NOON, to: NOON + MINUTE, stepS: 5 }, undefined);
    expect(url).toBe('./api/v1/history?bounds=45.9000,6.8000,47.1000,9.2000&from=2026-06-01T12:00:00.000Z&to=2026-06-01T12:01:00.000Z&step=5');
    expect(historyUrl([0, 0, 1, 1], { from: NOON, to: NOON, stepS: 5 }, '1.A.2-3')).toMatch(/&cursor=1\.A\.2-3$/);
  });
});

it('writes and reads date and time in the zone of the user', () => {
  for (const formats of [new Formats('metric', 'utc'), new Formats('metric', 'local')]) {
    expect(formats.clockTime(formats.clockText(NOON))).toBe(NOON);
    expect(formats.clockTime('')).toBeUndefined();
  }
  expect(new Formats('metric', 'utc').clockText(NOON)).toBe('2026-06-01T12:00:00');
});

it('is the present where nothing newer is recorded for certain', () => {
  expect([NOON - LIVE_EDGE_MS, NOON - LIVE_EDGE_MS + 1, NOON + 1].map((at) => isPresent(at, NOON))).toEqual([false, true, true]);
});
