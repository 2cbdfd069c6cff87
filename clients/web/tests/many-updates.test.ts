import { expect, it } from 'vitest';
import { AirPicture, decode } from '../src/index.js';
import { encodeServerMessage } from './encode.mjs';
import { aircraft, objects } from './wire.js';

const COUNT = 1000;
const ROUNDS = 3;

it('keeps the newest of many updates', () => {
  const picture = new AirPicture();
  picture.setCells(['u0', 'u1', 'sp']);
  const frames = Array.from({ length: ROUNDS }, (_, round) => encodeServerMessage({
    updates: {
      server_at_us: 1, removals: [],
      objects: objects({ aircraft: Array.from({ length: COUNT }, (__, i) => aircraft({
        device: 0x110000 + i, latitude_e7: 466_000_000 + i * 100 + round, altitude_m: 1500 + i, speed_dkmh: 380, climb_cmps: -120, course_deg: i % 360, version: 1000 * (round + 1) + i,
      })) }),
    },
  }));
  frames.forEach((frame, round) => picture.put(decode(frame).updates!.objects!, { now: round, connection: 1 }));
  expect(picture.aircraft.size).toBe(COUNT);
  const newest = [...picture.aircraft.values()].filter(({ version }) => version >= 1000 * ROUNDS);
  expect(newest.length).toBe(COUNT);
});
