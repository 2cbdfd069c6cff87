import { expect, it } from 'vitest';
import { stayAwayMs, wasTooSlow } from './close.js';

const away = (code: number, attempt = 0) => stayAwayMs(code, attempt, () => 1);

it('reconnects after the delay of each code', () => {
  expect(away(1001)).toBe(5000);
  expect(away(4000)).toBe(200);
  expect(away(4005)).toBe(200);
  expect(away(1006)).toBe(500);
  expect(away(4001)).toBe(500);
  expect(away(4003)).toBe(60_000);
  expect(away(4002)).toBe(60_000);
});

it('backs off when reconnecting fails', () => {
  expect([away(1001, 3), away(1006, 3), away(1002, 1)]).toEqual([4000, 4000, 60_000]);
});

it('recognizes a slow connection', () => {
  expect([4001, 1006].map(wasTooSlow)).toEqual([true, false]);
});
