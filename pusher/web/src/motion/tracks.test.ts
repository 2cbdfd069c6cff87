import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Tracks } from './tracks';

const ANNA = 0x110b01;
const THEN = Date.UTC(2026, 5, 1, 12, 30);
const MINUTE_MS = 60_000;

let requests: string[];
/** Answers the open requests with a track around noon. */
let answer: () => Promise<void>;

beforeEach(() => {
  requests = [];
  const open: (() => void)[] = [];
  const points = [-1, 1].map((minutes) => ({ event_at_us: String((THEN + minutes * MINUTE_MS) * 1000), latitude_deg: 46, longitude_deg: 7, altitude_m: 2000 }));
  vi.stubGlobal('fetch', (url: string) => {
    requests.push(url.replace('./api/v1/track/', ''));
    return new Promise((resolve) => open.push(() => resolve({ ok: true, json: async () => ({ segments: [{ points }] }) })));
  });
  answer = async () => {
    open.splice(0).forEach((resolve) => resolve());
    await new Promise((resolve) => setImmediate(resolve));
  };
});
afterEach(() => vi.unstubAllGlobals());

it('loads the last hours of the present, and of the past those around its time', () => {
  const tracks = new Tracks();
  tracks.want([ANNA], undefined, 1e9);
  tracks.want([ANNA], THEN, 1e9 + 1);
  expect(requests).toEqual(['110B01?hours=12&max_points=600', '110B01?from=2026-06-01T05:59:00Z&to=2026-06-01T18:01:00Z&max_points=600']);
});

it('ends a track at the time that is shown', async () => {
  const tracks = new Tracks();
  tracks.want([ANNA], THEN, 1e9);
  await answer();
  expect(tracks.of(ANNA, THEN).map(({ at }) => at)).toEqual([THEN - MINUTE_MS]);
  expect(tracks.of(ANNA, undefined)).toHaveLength(2);
});

it('loads again after some time of the user, not of the past', async () => {
  const tracks = new Tracks();
  tracks.want([ANNA], THEN, 1e9);
  tracks.want([ANNA], THEN + 20 * MINUTE_MS, 1e9 + 1000);
  expect(requests).toHaveLength(1);
  tracks.want([ANNA], THEN, 1e9 + 31_000);
  expect(requests).toHaveLength(2);
});

it('forgets the tracks of another period', async () => {
  const tracks = new Tracks();
  tracks.want([ANNA], THEN, 1e9);
  await answer();
  tracks.want([ANNA], undefined, 1e9 + 1000);
  expect(tracks.of(ANNA, undefined)).toEqual([]);
  // What was requested for it, too.
  tracks.want([ANNA], THEN, 1e9 + 2000);
  await answer();
  expect(tracks.of(ANNA, undefined)).toHaveLength(2);
});
