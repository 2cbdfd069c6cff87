import { expect, it } from 'vitest';
import { DataMeter } from './meter.js';

it('counts all bytes, and those of the last minute', () => {
  const meter = new DataMeter();
  expect([meter.totalBytes, meter.bytesPerMinute(0)]).toEqual([0, 0]);
  for (let second = 0; second < 180; second++) meter.add(100, second * 1000);
  expect(meter.totalBytes).toBe(18_000);
  expect(meter.bytesPerMinute(179_000)).toBe(6000);
  expect(meter.bytesPerMinute(179_000 + 30_000)).toBe(3000);
  expect(meter.bytesPerMinute(300_000)).toBe(0);
});

it('extrapolates the first minute, and not from a single second', () => {
  const meter = new DataMeter();
  meter.add(1000, 0);
  expect(meter.bytesPerMinute(500)).toBe(6000);
  meter.add(1000, 20_000);
  expect(meter.bytesPerMinute(20_000)).toBe(6000);
});
