import { expect, it } from 'vitest';
import { AirPicture, decode } from '../src/index.js';
import { encodeServerMessage } from './encode.mjs';
import { aircraft, objects } from './wire.js';

const COUNT = 1000;
const MAX_MS = 5;
const ROUNDS = 60;

it(`reads and stores ${COUNT} updates in less than ${MAX_MS} ms`, () => {
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
  const times = frames.map((frame, round) => {
    const start = performance.now();
    picture.put(decode(frame).updates!.objects!, { now: round, connection: 1 });
    return performance.now() - start;
  });
  expect(picture.aircraft.size).toBe(COUNT);
  // The first rounds are compiled while they run.
  const sorted = times.slice(ROUNDS / 3).sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)]!;
  console.log(`figures: ${median.toFixed(2)} ms for ${COUNT} updates (median of ${sorted.length})`);
  expect(median).toBeLessThan(MAX_MS);
});
