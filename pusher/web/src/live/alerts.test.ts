import { expect, it } from 'vitest';
import { AirPicture, type Alert } from 'updraft-client';
import { aircraft, DEVICE, ground, objects } from '../../../../clients/web/tests/wire.js';
import { callOf, isDistress, nearestHelpers, openCalls, urgencyOf } from './alerts';

const alert = (some: Partial<Alert>): Alert => ({ id: '1', device: DEVICE, kind: 9, status: 1, openedAt: 0, unverified: false, version: 1, at: 0, connection: 1, ...some });

it('takes every alert as distress except known calls that are not urgent', () => {
  expect([9, 13, 14, 15, 16, 77].map((kind) => isDistress(alert({ kind: kind as never })))).toEqual([false, false, true, true, true, true]);
  expect(isDistress(alert({ kind: 15, status: 3 }))).toBe(false);
  expect([2, 9, 13, 14, 15].map(urgencyOf)).toEqual(['none', 'call', 'call', 'distress', 'distress']);
});

it('lists open calls, the worst and the newest first', () => {
  const all = [alert({ id: 'a', openedAt: 5 }), alert({ id: 'b', openedAt: 9 }), alert({ id: 'c', kind: 15, openedAt: 1 }), alert({ id: 'd', status: 3 })];
  expect(openCalls(all).map(({ id }) => id)).toEqual(['c', 'b', 'a']);
});

it('finds the devices near a caller: ground first, without other callers', () => {
  const picture = new AirPicture();
  picture.put(objects({
    aircraft: [aircraft({ device: 2, name: 'Near pilot' }), aircraft({ device: 3, latitude_e7: 480_000_000 })],
    ground: [
      ground({ device: 4, ground_kind: 3, latitude_e7: 467_000_000, name: 'Car' }), ground({ device: 5, ground_kind: 9, alert_kind: 9 }),
      ground({ device: DEVICE, ground_kind: 9, alert_kind: 9 }),
    ],
  }), { now: 0, connection: 1 });
  const helpers = nearestHelpers(DEVICE, { lat: 46.6, lon: 8 }, picture);
  expect(helpers.map(({ label }) => label)).toEqual(['Car', 'Near pilot']);
  expect(helpers[0]!.km).toBeCloseTo(11.1, 1);
  expect(callOf(DEVICE, picture)).toBeUndefined();
});
