import { expect, it } from 'vitest';
import { Arrivals } from './arrivals';
import { hopsOf, totalMs } from './way';

const WAY = { version: '7', receiver_at_us: '1000000000', bridge_at_us: '1000400000', processor_at_us: '1000412000', pusher_at_us: '1000420500' };

it('breaks the way down hop by hop', () => {
  const hops = hopsOf(WAY, 1_000_450);
  expect(hops).toEqual([{ name: 'receiver', ms: 400 }, { name: 'processor', ms: 12 }, { name: 'pusher', ms: 8.5 }, { name: 'page', ms: 29.5 }]);
  expect(totalMs(hops)).toBe(50);
});

it('has no number where a time is unknown or clocks contradict each other', () => {
  const { receiver_at_us: _, ...withoutReceiver } = WAY;
  expect(hopsOf(withoutReceiver, undefined).map(({ ms }) => ms)).toEqual([undefined, 12, 8.5, undefined]);
  expect(hopsOf({ ...WAY, receiver_at_us: '1003000000', processor_at_us: '1000250000', pusher_at_us: '1000240000' }, 1_100_000).map(({ ms }) => ms)).toEqual([undefined, undefined, 0, undefined]);
  expect(totalMs(hopsOf({ version: '7' }, undefined))).toBeUndefined();
});

it('keeps when the last versions of a device came', () => {
  const arrivals = new Arrivals();
  for (const version of [1, 2, 3, 4, 5]) arrivals.note(9, version, version * 10);
  expect([1, 2, 5, 6].map((version) => arrivals.of(9, version))).toEqual([undefined, 20, 50, undefined]);
  arrivals.prune(() => false);
  expect(arrivals.of(9, 5)).toBeUndefined();
});
