import { GroundKind, type PastGroundPosition, type PastReading, type RegionHistory } from 'updraft-client';
import { describe, expect, it } from 'vitest';
import { historyUrl } from './loader';
import { PastAir } from './past-air';
import { groundAt, LIFETIME_MS, recordedOf, stationsAt } from './past-ground';
import { Timeline } from './timeline';

const NOON = Date.UTC(2026, 5, 1, 12);
const MINUTE = 60_000;
const { GROUND_KIND_WALKING: WALKING, GROUND_KIND_DISTRESS: DISTRESS } = GroundKind;

const person = (device: number, at: number, ground_kind: number = WALKING): PastGroundPosition => ({
  device, event_at_us: at * 1000, latitude_deg: 46.5, longitude_deg: -8, ground_kind,
});
const page = (some: Partial<RegionHistory>): RegionHistory => ({ server_time: '', from: '', to: '', step_s: 60, positions: [], names: [], ground: [], readings: [], ...some });
const groundOf = (...pages: PastGroundPosition[][]) => recordedOf(pages.map((ground) => page({ ground, names: [{ device: 1, name: 'Ada' }] })), ({ ground }) => ground);

describe('people on the ground in the past', () => {
  const recorded = groundOf([person(1, NOON), person(2, NOON + MINUTE)], [person(1, NOON + 2 * MINUTE, DISTRESS), person(1, NOON + 9 * MINUTE)]);
  const shown = (at: number) => groundAt(recorded, at).map(({ device, ground_kind, age_ds }) => [device, ground_kind, age_ds]);

  it('have the state that was last heard, with its age', () => {
    expect(shown(NOON - 1)).toEqual([]);
    expect(shown(NOON + MINUTE)).toEqual([[1, WALKING, 600], [2, WALKING, 0]]);
    expect(shown(NOON + 5 * MINUTE)).toEqual([[1, DISTRESS, 1800], [2, WALKING, 2400]]);
    expect(shown(NOON + 9 * MINUTE)).toEqual([[1, WALKING, 0], [2, WALKING, 4800]]);
    expect(groundAt(recorded, NOON)).toEqual([
      { device: 1, name: 'Ada', latitude_e7: 465_000_000, longitude_e7: -80_000_000, ground_kind: WALKING, version: NOON, age_ds: 0 },
    ]);
  });

  it('end as on the live map', () => {
    expect(shown(NOON + MINUTE + LIFETIME_MS)).toHaveLength(2);
    expect(shown(NOON + MINUTE + LIFETIME_MS + 1).map(([device]) => device)).toEqual([1]);
    expect(shown(NOON + 10 * MINUTE + LIFETIME_MS)).toEqual([]);
  });

  it('are in the air picture of their time, and replace their aircraft', () => {
    const timeline = new Timeline();
    timeline.add({ positions: [{ device: 1, event_at_us: (NOON - MINUTE) * 1000, latitude_deg: 46.5, longitude_deg: -8, aircraft_kind: 2 }], names: [] });
    let changes = 0;
    let known = recorded;
    const air = new PastAir(timeline, undefined, { get changes() { return changes; }, ground: (at) => groundAt(known, at), stations: () => [] });
    const both = (at: number) => {
      air.show(at);
      return [[...air.picture.aircraft.values()], [...air.picture.ground.values()]].map((objects) => objects.map(({ device }) => device));
    };
    expect(both(NOON - 1)).toEqual([[1], []]);
    expect(both(NOON + MINUTE)).toEqual([[], [1, 2]]);
    expect(both(NOON + 3 * MINUTE)).toEqual([[], [1, 2]]);
    expect(air.picture.ground.get(1)).toMatchObject({ name: 'Ada', kind: DISTRESS, alert: 0, lat: 46.5, lon: -8, at: NOON + 2 * MINUTE });
    // Another region was loaded, and this one again.
    known = groundOf([person(2, NOON + MINUTE)]);
    changes++;
    expect(both(NOON + 3 * MINUTE)[1]).toEqual([2]);
    known = recorded;
    changes++;
    expect(both(NOON + 3 * MINUTE)[1]).toEqual([2, 1]);
    expect(both(NOON - 1)).toEqual([[1], []]);
  });
});

describe('weather stations in the past', () => {
  const reading = (at: number, some: Partial<PastReading> = {}): PastReading => ({
    device: 7, event_at_us: at * 1000, latitude_deg: 46.6, longitude_deg: 7.9, temperature_c: -0.5, wind_from_deg: 270.4, wind_speed_kmh: 12.2, wind_gust_kmh: 20.4,
    humidity_pct: 60.4, pressure_hpa: 1018.2, ...some,
  });
  const recorded = recordedOf([page({ readings: [reading(NOON), reading(NOON + 5 * MINUTE, { wind_speed_kmh: 0, temperature_c: undefined })] })], ({ readings }) => readings);

  it('have the values of their newest reading', () => {
    const air = new PastAir(new Timeline(), undefined, { changes: 0, ground: () => [], stations: (at) => stationsAt(recorded, at) });
    const shown = (at: number) => {
      air.show(at);
      return [...air.picture.stations.values()];
    };
    expect(shown(NOON - 1)).toEqual([]);
    expect(shown(NOON + 4 * MINUTE)).toEqual([expect.objectContaining({
      device: 7, lat: 46.6, lon: 7.9, temperatureC: -0.5, windFromDeg: 270, windKmh: 12.2, gustKmh: 20.4, humidityPct: 60, pressureHpa: 1018.2, chargePct: undefined, at: NOON,
    })]);
    expect(shown(NOON + 5 * MINUTE)).toEqual([expect.objectContaining({ windKmh: 0, temperatureC: undefined })]);
    expect(shown(NOON + 6 * MINUTE + LIFETIME_MS)).toEqual([]);
  });
});

it('are requested for a region and a time, by kind', () => {
  expect(historyUrl([46, 7, 47, 9], { from: NOON, to: NOON + MINUTE, stepS: 60 }, '1.A.2-3', 'ground'))
    .toBe('./api/v1/history?kind=ground&bounds=46.0000,7.0000,47.0000,9.0000&from=2026-06-01T12:00:00.000Z&to=2026-06-01T12:01:00.000Z&step=60&cursor=1.A.2-3');
});
