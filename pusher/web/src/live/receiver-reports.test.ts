import { expect, it } from 'vitest';
import { measurementsOf } from '../ui/history';
import { reportsOf } from './receiver-reports';

it('reads the reports of receivers as JSON writes them', () => {
  const reports = reportsOf({
    receivers: [
      { receiver_id: 'a', coverage: [{ bearing_deg: 10, distance_m: 900 }], clock_trouble: 'offset', clock_offset_us: '-34125867' },
      { receiver_id: 'b' },
      { receiver_id: 'c', first_seen_at_us: '5000', frames: '900', unusable_frames: '100', set_aside_since_us: '7000', set_aside_reason: 'truncated_payload' },
    ],
  });
  expect(reports.get('c')).toEqual({ coverage: [], firstHeardAt: 5, unusable: { frames: 100, pct: 10 }, setAside: { since: 7, reason: 'truncated_payload' } });
  expect(reports.get('a')).toEqual({ coverage: [{ bearing_deg: 10, distance_m: 900 }], clockTrouble: 'offset', clockOffsetMs: -34_125.867 });
  expect(reports.get('b')).toEqual({ coverage: [] });
  expect(reportsOf({}).size).toBe(0);
});

it('reads the measurements of a station', () => {
  expect(measurementsOf({ readings: [{ event_at_us: '1796028584803002', wind_speed_kmh: 7.4, temperature_c: -2.5 }, { wind_gust_kmh: 3 }] }))
    .toEqual([{ at: 1_796_028_584_803.002, windKmh: 7.4, temperatureC: -2.5 }]);
  expect(measurementsOf({})).toEqual([]);
});
