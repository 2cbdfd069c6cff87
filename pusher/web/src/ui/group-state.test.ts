import { AirPicture } from 'updraft-client';
import { expect, it } from 'vitest';
import { aircraft, objects } from '../../../../clients/web/tests/wire.js';
import { Formats } from '../settings/formats';
import { lostStateOf, stateOf } from './group-state';

const AT = Date.UTC(2026, 6, 14, 14, 3);
const formats = new Formats('metric', 'utc');

it('says how old a member is, and since when it is not received', () => {
  const picture = new AirPicture();
  picture.put(objects({ aircraft: [aircraft({ device: 7, altitude_m: 1800, climb_cmps: 100, age_ds: 0 })] }), { now: AT, connection: 1 });
  expect(stateOf(7, { picture, formats, now: AT + 60_000 })).toBe('1800 m  +1.0');
  expect(stateOf(7, { picture, formats, now: AT + 300_000 })).toBe('1800 m  +1.0 · last heard 5 min ago');
  expect(stateOf(8, { picture, formats, now: AT })).toBe('not received');
  const last = { at: AT, lat: 46, lon: 8 };
  expect(lostStateOf(last, { formats, now: AT + 3_600_000 }, true)).toBe('not received since 14:03Z');
  expect(lostStateOf(last, { formats, now: AT + 86_400_000 }, true)).toBe('not received since Jul 14, 2026, 14:03Z');
  // The page receives it in its view only.
  expect(lostStateOf(last, { formats, now: AT + 3_600_000 }, false)).toBe('last heard 60 min ago');
});
