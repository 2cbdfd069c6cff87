import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { View } from 'updraft-client';
import { PastLoader } from './loader';

const NOON = Date.UTC(2026, 5, 1, 12), HOUR = 3_600_000, NOW = NOON + 48 * HOUR;
const VIEW: View = { west: 7, south: 46, east: 8, north: 47 };
/** The page draws so often, ms. */
const STEP = 50;

/** The times from which positions were requested. */
const requested: number[] = [];

beforeEach(() => {
  requested.length = 0;
  vi.stubGlobal('fetch', (url: string) => {
    requested.push(Date.parse(/from=([^&]*)/.exec(url)![1]!));
    return new Promise(() => {});
  });
});

afterEach(() => vi.unstubAllGlobals());

it('requests at once after one jump', () => {
  const loader = new PastLoader();
  const want = (at: number, now: number) => loader.want({ view: VIEW, at, speed: 1, now });
  want(NOON, NOW);
  expect(requested).toHaveLength(1);
  want(NOON + HOUR, NOW + 1000);
  expect(requested).toHaveLength(2);
  expect(requested[1]! - requested[0]!).toBe(HOUR);
});

it('requests nothing while the slider is dragged', () => {
  const loader = new PastLoader();
  let now = NOW;
  for (let i = 0; i < 20; i++) loader.want({ view: VIEW, at: NOON + i * HOUR, speed: 1, now: now += STEP });
  expect(requested).toHaveLength(1);
  for (let i = 0; i < 6; i++) loader.want({ view: VIEW, at: NOON + 19 * HOUR, speed: 1, now: now += STEP });
  expect(requested).toHaveLength(2);
  expect(requested[1]! - requested[0]!).toBe(19 * HOUR);
});
