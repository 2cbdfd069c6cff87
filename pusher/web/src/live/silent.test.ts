import { expect, it } from 'vitest';
import { silentOf } from './silent';

const ADA = {
  device: '110B90', name: 'Ada', aircraft_kind: 'paraglider', take_off_at_us: '1780300000000000', silent_since_us: '1780308000000000', position: { latitude_deg: 46.5, longitude_deg: 8, altitude_m: 2100 },
  climb_mps: -6.1, course_deg: 250, received_by: [{ receiver_id: 'a' }, { receiver_id: 'b' }], covered_by: ['c', 'd'],
};

it('reads the list of the server, with the numbers of kinds', () => {
  const { aircraft: [ada, bob], truncated } = silentOf({
    aircraft: [{ ...ADA, ground_kind: 'landed_well', ground_at_us: '1780309000000000', alert_kind: 'distress' }, { ...ADA, device: '110B91', name: undefined, covered_by: undefined }, { ...ADA, device: 'x' }],
    truncated: true,
  });
  expect(truncated).toBe(true);
  expect(ada).toEqual({
    device: 0x110b90, name: 'Ada', kind: 2, takeOffAt: 1_780_300_000_000, since: 1_780_308_000_000, position: { lat: 46.5, lon: 8 }, altitudeM: 2100, climbMps: -6.1, courseDeg: 250,
    receivers: ['a', 'b'], covering: ['c', 'd'], calls: true, ground: { kind: 10, at: 1_780_309_000_000 },
  });
  expect([bob?.device, bob?.covering.length, bob?.calls, bob?.ground, bob && 'name' in bob]).toEqual([0x110b91, 0, false, undefined, false]);
  expect(silentOf({})).toEqual({ aircraft: [], truncated: false });
});
