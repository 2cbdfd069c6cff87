import { expect, it } from 'vitest';
import { FLIGHT_DAYS, flightsOf } from './flights';
import { fileName, periodQuery } from './past';

const NOW = Date.UTC(2026, 6, 14, 12);
const us = (ms: number) => String(ms * 1000);

it('takes the flights of the last days', () => {
  const day = 86_400_000;
  const flights = flightsOf({
    flights: [
      { take_off_at_us: us(NOW - day), landed_at_us: us(NOW - day + 3_600_000), distance_m: 41_200, max_altitude_m: 2810 },
      { take_off_at_us: us(NOW - day) }, { take_off_at_us: us(NOW - FLIGHT_DAYS * day - 1), landed_at_us: us(NOW) },
    ],
  }, NOW);
  expect(flights).toEqual([{ from: NOW - day, to: NOW - day + 3_600_000, distanceKm: 41.2, highestM: 2810 }]);
  expect(flightsOf({}, NOW)).toEqual([]);
});

it('requests the last hours, or one flight with a minute around it', () => {
  expect(periodQuery({ hours: 12 })).toBe('hours=12');
  expect(periodQuery({ from: NOW, to: NOW + 3_600_000 })).toBe('from=2026-07-14T11:59:00Z&to=2026-07-14T13:01:00Z');
});

it('names files by device and day', () => {
  expect(fileName(0x110b90, 'geojson', { from: NOW, to: NOW }, 0)).toBe('110B90-2026-07-14.geojson');
  expect(fileName(0x110b90, 'igc', { hours: 12 }, NOW)).toBe('110B90-2026-07-14.igc');
});
