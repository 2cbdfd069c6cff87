import { expect, it } from 'vitest';
import { bandOf, bandsOf, windOf, windsOf } from './winds';

const answer = (base_altitude_m: number) => ({
  wind: { cell: 'u0m7', base_altitude_m, top_altitude_m: base_altitude_m + 500, wind_from_deg: 270, wind_speed_kmh: 18.5, pilots: 3, confidence_pct: 80, last_seen_at_us: '1796028584803000' },
  position: { latitude_deg: 46.67, longitude_deg: 8.26 },
});

it('reads the winds of the server', () => {
  expect(windsOf({ winds: [answer(1500), {}] })).toEqual([{
    cell: 'u0m7', lat: 46.67, lon: 8.26, baseM: 1500, topM: 2000, fromDeg: 270, kmh: 18.5, pilots: 3, confidencePct: 80, lastSeenAt: 1_796_028_584_803,
  }]);
  expect(windsOf({})).toEqual([]);
});

it('offers the usual bands, and those that there are', () => {
  const bands = bandsOf(windsOf({ winds: [answer(1500), answer(1500), answer(-500), answer(6000)] }));
  expect(bands.map(({ baseM }) => baseM)).toEqual([-500, 0, 500, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 4500, 6000]);
  expect(bands.filter(({ count }) => count > 0)).toEqual([{ baseM: -500, count: 1 }, { baseM: 1500, count: 2 }, { baseM: 6000, count: 1 }]);
});

it('finds the wind of a link, with a band and without', () => {
  const winds = windsOf({ winds: [answer(1000), answer(1500), answer(3000)] });
  expect([bandOf('u0m7/1500'), bandOf('u0m7/-500'), bandOf('u0m7'), bandOf('u0m7/')]).toEqual([1500, -500, undefined, undefined]);
  expect(windOf('u0m7/3000', winds, 1500)?.baseM).toBe(3000);
  expect(windOf('u0m7/2000', winds, 1500)).toBeUndefined();
  expect(windOf('u0m7', winds, 2000)?.baseM).toBe(1500);
  expect(windOf('u0m8', winds, 2000)).toBeUndefined();
});
