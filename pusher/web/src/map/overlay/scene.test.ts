import { describe, expect, it, vi } from 'vitest';
import { AirPicture } from 'updraft-client';
import { aircraft, objects } from '../../../../../clients/web/tests/wire.js';
import type { Fix } from '../../motion/extrapolate';
import { Formats } from '../../settings/formats';
import { EVERYTHING } from '../../ui/filter';
import type { Scene } from '../scene';
import { Spreading } from '../spread';
import { RINGS } from '../symbols/rings';
import { labelOf, marksOf } from './aircraft-marks';
import { trailLines } from './trail-lines';

// Symbols of the map are made when their module is loaded, and Node has no paths.
vi.hoisted(() => Object.assign(globalThis, { Path2D: class { arc(): void {} } }));

const NOW = Date.UTC(2026, 6, 14, 12);
const [ANNA, BEAT, CALLER] = [0x110b01, 0x110b02, 0x110b03];

/** Aircraft that stand 30 km apart, with these trails. */
function scene(some: Partial<Scene> = {}, trails: Record<number, Fix[]> = {}): Scene {
  const picture = new AirPicture();
  picture.put(objects({
    aircraft: [[ANNA, 'Anna'], [BEAT, undefined], [CALLER, 'Céline']].map(([device, name], i) => aircraft({
      device: Number(device), name: name as string | undefined, latitude_e7: 466_000_000, longitude_e7: 70_000_000 + i * 4_000_000, altitude_m: 2000, climb_cmps: 210, version: 1, age_ds: 0,
    })),
  }), { now: NOW, connection: 1 });
  return {
    picture, now: NOW, isLive: true, selection: undefined, followed: new Set(), group: new Map(), favourites: new Set(), filter: EVERYTHING, colour: 'climb',
    past: { segments: [], flight: undefined }, formats: new Formats('metric', 'utc'), elevationAt: () => undefined,
    air: { whereNow: (one: Fix) => one, trails: { gapMs: 60_000, of: (device: number) => trails[device] ?? [] } }, ...some,
  } as unknown as Scene;
}

describe('the marks of aircraft', () => {
  const devices = (some: Partial<Scene>) => marksOf(scene(some), new Spreading(), 9).map(({ aircraft: { device } }) => device);

  it('have the selected one above the others', () => {
    expect(devices({})).toEqual([ANNA, BEAT, CALLER]);
    expect(devices({ selection: { kind: 'device', device: ANNA } })).toEqual([BEAT, CALLER, ANNA]);
  });

  it('leave out what the filter hides, but not the selected one', () => {
    const filter = { ...EVERYTHING, fromM: 3000 };
    expect(devices({ filter })).toEqual([]);
    expect(devices({ filter, selection: { kind: 'device', device: BEAT } })).toEqual([BEAT]);
  });

  it('have a ring where the user looks for them', () => {
    const some = { selection: { kind: 'device', device: ANNA } as const, followed: new Set([BEAT]), group: new Map([[CALLER, '#123456']]) };
    const rings = new Map(marksOf(scene(some), new Spreading(), 9).map(({ aircraft: { device }, ring }) => [device, ring]));
    expect(rings).toEqual(new Map([[BEAT, RINGS.followed], [CALLER, '#123456'], [ANNA, RINGS.selected]]));
  });

  it('stand apart where symbols would hide each other', () => {
    const near = scene();
    near.picture.put(objects({ aircraft: [aircraft({ device: 0x110b09, latitude_e7: 466_000_000, longitude_e7: 70_010_000, version: 1 })] }), { now: NOW, connection: 1 });
    const moved = marksOf(near, new Spreading(), 9).filter(({ home, spot }) => home !== spot).map(({ aircraft: { device } }) => device);
    expect(moved).toEqual([ANNA, 0x110b09]);
    // Far out they are dots.
    expect(marksOf(near, new Spreading(), 6).every(({ home, spot }) => home === spot)).toBe(true);
  });
});

describe('a label', () => {
  const texts = (zoom: number, some: Partial<Scene> = {}, device = ANNA) => {
    const shown = scene(some);
    const mark = marksOf(shown, new Spreading(), zoom).find((one) => one.aircraft.device === device)!;
    return labelOf(mark, shown, zoom).map(({ text }) => text);
  };

  it('has more the nearer the map is', () => {
    expect([8, 9, 11].map((zoom) => texts(zoom))).toEqual([[], ['Anna'], ['Anna', '2000 m  +2.1']]);
    expect(texts(11, { elevationAt: () => 1200 })).toEqual(['Anna', '2000 m  +2.1', '800 m AGL']);
  });

  it('names a chosen aircraft at any zoom, and one without a name by its address', () => {
    expect(texts(8, { followed: new Set([ANNA]) })).toEqual(['Anna']);
    expect(texts(9, {}, BEAT)).toEqual(['110B02']);
  });

  it('gives the age of old data at any zoom', () => {
    const later = { now: NOW + 40_000 };
    expect([texts(8, later), texts(9, later), texts(11, later)[1]]).toEqual([['40 s'], ['Anna', '40 s'], '2000 m  +2.1  40 s']);
  });

  it('cuts a long name', () => {
    const shown = scene();
    shown.picture.put(objects({ aircraft: [aircraft({ device: ANNA, name: 'x'.repeat(60), version: 2 })] }), { now: NOW, connection: 1 });
    const mark = marksOf(shown, new Spreading(), 9).find((one) => one.aircraft.device === ANNA)!;
    expect(labelOf(mark, shown, 9)[0]!.text).toBe(`${'x'.repeat(23)}…`);
  });
});

describe('trails', () => {
  /** One position a second up to now, that climbs in its second half. */
  const trail = (seconds: number): Fix[] => Array.from({ length: seconds + 1 }, (_, i) => ({ at: NOW - (seconds - i) * 1000, lat: 46.6, lon: 7 + i * 1e-4, climbMps: i > seconds / 2 ? 4 : 0 }));

  it('are long for those that the user chose, and short for others', () => {
    const lines = trailLines(scene({ followed: new Set([ANNA]) }, { [ANNA]: trail(500), [BEAT]: trail(500) }));
    const spots = (isSelected: boolean) => lines.filter((line) => line.isSelected === isSelected).reduce((sum, line) => sum + line.spots.length - 1, 0);
    expect([spots(true), spots(false)]).toEqual([500, 120]);
  });

  it('are lines of one colour each, without a gap between them', () => {
    const [level, climbing, ...others] = trailLines(scene({}, { [ANNA]: trail(100) }));
    expect(others).toEqual([]);
    expect(level!.colour).not.toBe(climbing!.colour);
    expect(climbing!.spots[0]).toBe(level!.spots.at(-1));
  });

  it('are broken where nothing was heard', () => {
    const broken = trail(100).filter(({ at }) => at < NOW - 90_000 || at > NOW - 10_000);
    expect(trailLines(scene({}, { [ANNA]: broken }))).toHaveLength(2);
  });

  it('are of one colour for members of a group', () => {
    expect(trailLines(scene({ group: new Map([[ANNA, '#123456']]) }, { [ANNA]: trail(100) })).map(({ colour }) => colour)).toEqual(['#123456']);
  });

  it('are bounded: of many aircraft each has fewer positions', () => {
    const crowd = scene();
    crowd.picture.put(objects({ aircraft: Array.from({ length: 5000 }, (_, i) => aircraft({ device: 0x120000 + i, version: 1 })) }), { now: NOW, connection: 1 });
    const one = trail(120);
    crowd.air.trails.of = () => one;
    const spots = trailLines(crowd).reduce((sum, line) => sum + line.spots.length, 0);
    expect(spots).toBeGreaterThan(50_000);
    expect(spots).toBeLessThan(75_000);
  });
});
