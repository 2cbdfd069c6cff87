import { expect, it } from 'vitest';
import { TrafficCounter } from './traffic.js';

it('counts all bytes, and those of the last minute', () => {
  const traffic = new TrafficCounter();
  expect([traffic.totalBytes, traffic.bytesPerMinute(0)]).toEqual([0, 0]);
  for (let second = 0; second < 180; second++) traffic.add(100, second * 1000);
  expect(traffic.totalBytes).toBe(18_000);
  expect(traffic.bytesPerMinute(179_000)).toBe(6000);
  expect(traffic.bytesPerMinute(179_000 + 30_000)).toBe(3000);
  expect(traffic.bytesPerMinute(300_000)).toBe(0);
});

it('extrapolates the first minute, and not from a single second', () => {
  const traffic = new TrafficCounter();
  traffic.add(1000, 0);
  expect(traffic.bytesPerMinute(500)).toBe(6000);
  traffic.add(1000, 20_000);
  expect(traffic.bytesPerMinute(20_000)).toBe(6000);
});
