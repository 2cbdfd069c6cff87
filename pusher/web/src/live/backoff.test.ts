import { expect, it } from 'vitest';
import { backoffMs } from './backoff';

it('doubles up to a cap', () => {
  expect([0, 1, 2, 3, 4, 5, 6, 40].map((attempt) => backoffMs(attempt, () => 1))).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]);
});

it('spreads over the upper half', () => {
  expect(backoffMs(3, () => 0)).toBe(2000);
  expect(backoffMs(3, () => 0.5)).toBe(3000);
});
