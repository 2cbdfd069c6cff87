import { expect, it } from 'vitest';
import { backoffMs } from './backoff.js';

it('doubles up to a cap', () => {
  expect([0, 1, 2, 3, 4, 5, 6, 40].map((attempt) => backoffMs(attempt, () => 1))).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]);
});

it('spreads over all of the time up to the ceiling', () => {
  expect(backoffMs(3, () => 0)).toBe(0);
  expect(backoffMs(3, () => 0.5)).toBe(2000);
});
