import { describe, expect, it } from 'vitest';
import { PastAir } from './past-air';
import { thermalsOf, thermalsUrl, updateAt } from './past-thermals';
import { Timeline } from './timeline';

const HEAD = 'thermal_id,first_seen_at_utc,last_seen_at_utc,latitude_deg,longitude_deg,altitude_m,radius_m,base_altitude_m,top_altitude_m,mean_climb_mps,max_climb_mps,wind_from_deg,wind_speed_kmh,pilots,reports,confidence_pct';
const CSV = [
  HEAD,
  '"17-5","2026-06-01T11:00:00.000Z","2026-06-01T13:00:00.000Z",46.6,7.85,2100,250,1400,2600.4,2.26,4,240,12.5,3,8,80',
  '17-6,2026-06-01T12:30:00.000Z,2026-06-01T12:40:00.000Z,46.7,-7.9,,300,1500,2500,1,2,,,1,1,100',
  '17-7,no time,2026-06-01T12:40:00.000Z,46.7,7.9,,300,1500,2500,1,2,,,1,1,100',
  '',
].join('\r\n');
const at = (time: string) => Date.parse(`2026-06-01T${time}:00Z`);

describe('recorded thermals', () => {
  const [first, second, ...others] = thermalsOf(CSV);

  it('are read from the export', () => {
    expect(others).toEqual([]);
    expect(first).toMatchObject({ firstAt: at('11:00'), lastAt: at('13:00'), confidencePct: 80 });
    expect(first?.update).toEqual({
      thermal_id: '17-5', latitude_e7: 466000000, longitude_e7: 78500000, base_altitude_m: 1400, top_altitude_m: 2600, mean_climb_cmps: 226, max_climb_cmps: 400, radius_m: 250, pilots: 3,
      wind_from_deg: 240, wind_speed_dkmh: 125,
    });
    expect(second?.update).not.toHaveProperty('wind_from_deg');
    expect(thermalsOf('')).toEqual([]);
  });

  it('are there from the first report until their confidence has faded', () => {
    expect(updateAt(first!, at('10:59'))).toBeUndefined();
    expect(updateAt(first!, at('11:00'))).toMatchObject({ quality: 4, age_ds: 0, version: at('11:00') });
    expect(updateAt(first!, at('14:00'))).toMatchObject({ quality: 2, age_ds: 36_000 });
    // 80 % is 5 % after four hours.
    expect(updateAt(first!, at('16:59'))?.quality).toBe(0);
    expect(updateAt(first!, at('17:01'))).toBeUndefined();
    expect(updateAt(second!, at('12:35'))?.quality).toBe(4);
  });

  it('are in the air picture of their time', () => {
    let changes = 0;
    const air = new PastAir(new Timeline(), { get changes() { return changes; }, at: (time) => [first!, second!].flatMap((thermal) => updateAt(thermal, time) ?? []) });
    const shown = (time: string) => {
      air.show(at(time));
      return [...air.picture.thermals.values()].map(({ id }) => id);
    };
    expect(shown('10:00')).toEqual([]);
    expect(shown('12:00')).toEqual(['17-5']);
    expect(shown('12:31')).toEqual(['17-5', '17-6']);
    expect(shown('17:01')).toEqual([]);
    expect(shown('12:00')).toEqual(['17-5']);
    changes++;
    expect(shown('12:00')).toEqual(['17-5']);
    expect([...air.picture.thermals.values()][0]).toMatchObject({ meanClimbMps: 2.26, windKmh: 12.5, topM: 2600 });
  });

  it('are requested for a region and a time', () => {
    expect(thermalsUrl([46, 7, 47, 9], { from: at('07:00'), to: at('19:00') }))
      .toBe('./api/v1/export?kind=thermals&format=csv&bounds=46.0000,7.0000,47.0000,9.0000&from=2026-06-01T07:00:00.000Z&to=2026-06-01T19:00:00.000Z');
  });
});
