import { describe, expect, it } from 'vitest';
import type { Aircraft } from 'updraft-client';
import { FIRST_STATE, readState, writeState, type PageState } from './address-bar';
import { EVERYTHING, passes, passesGround, type Filter, type Marks } from './ui/filter';

describe('the address of the page', () => {
  const state: PageState = {
    selection: { kind: 'device', device: 0x110b90 }, flight: { from: Date.UTC(2026, 4, 30, 9), to: Date.UTC(2026, 4, 30, 11, 0, 5) }, followed: [0x110b90, 0x080003], hidden: ['trails'], filter: { ...EVERYTHING, kinds: [2, 5], groundKinds: [3], climbing: true, calls: true, fromM: 1000 },
    group: { title: 'A day', members: [{ device: 0x110b91, colour: '#0072b2' }], endsAt: Date.UTC(2026, 6, 14, 18) },
    at: Date.UTC(2026, 5, 1, 12), raised: true,
  };

  it('holds selection, filters and the shown time', () => {
    const hash = writeState('#map=9/46.6/8', state);
    expect(hash).toBe('#map=9/46.6/8&device=110B90&flight=2026-05-30T09:00:00Z/2026-05-30T11:00:05Z&follow=110B90,080003&hide=trails&filter=climbing,calls,kind:2,kind:5,ground:3,from:1000&group=110B91&group-title=A%20day&group-end=2026-07-14T18:00&at=2026-06-01T12:00:00Z&terrain=3d');
    expect(readState(hash)).toEqual(state);
  });

  it('holds each kind of object', () => {
    for (const selection of [{ kind: 'station', device: 0x080100 }, { kind: 'thermal', id: '3-5000' }, { kind: 'receiver', id: 'a&b=ü/1' }, { kind: 'landmark', id: '7-900' }, { kind: 'wind', id: 'u0m1/1500' }] as const) {
      expect(readState(writeState('#map=9/46.6/8&device=110B90', { ...FIRST_STATE, selection })).selection).toEqual(selection);
    }
  });

  it('takes a flight only of a device, and with both ends', () => {
    const flight = 'flight=2026-05-30T09:00:00Z/2026-05-30T11:00:00Z';
    expect([`#${flight}`, `#station=080100&${flight}`, '#device=110B90&flight=2026-05-30T09:00:00Z'].map((hash) => readState(hash).flight)).toEqual([undefined, undefined, undefined]);
  });

  it('leaves out defaults, and keeps other parameters', () => {
    expect(writeState('#map=9/46.6/8&device=110B90&other=1', FIRST_STATE)).toBe('#map=9/46.6/8&other=1');
    expect(readState('#map=9/46.6/8')).toEqual(FIRST_STATE);
    expect(readState(writeState('', { ...FIRST_STATE, hidden: [] })).hidden).toEqual([]);
  });

  it('takes over only valid values', () => {
    expect(readState('#device=xyz&follow=1,110B90,110b90&hide=nothing,ground&filter=kind:a,up,from:&at=yesterday&terrain=4d')).toEqual({
      ...FIRST_STATE, followed: [0x110b90], hidden: ['ground'], filter: EVERYTHING,
    });
  });
});

it('reads a time with and without seconds', () => {
  expect(readState('#at=2026-06-01T12:00Z').at).toBe(Date.UTC(2026, 5, 1, 12));
  expect(['2026-06-01', '2026-13-01T12:00Z', '2026-06-01T12:00', '1'].map((text) => readState(`#at=${text}`).at)).toEqual([undefined, undefined, undefined, undefined]);
});

describe('a filter', () => {
  const aircraft = (some: Partial<Aircraft>): Aircraft => ({ device: 1, lat: 0, lon: 0, kind: 2, phase: 2, alert: 0, version: 1, at: 0, connection: 1, ...some });
  const only = (some: Partial<Filter>): Filter => ({ ...EVERYTHING, ...some });
  const marks: Marks = { favourites: new Set([1]), group: new Map([[2, '#0072b2']]) };
  const passing = (one: Aircraft, filter: Filter) => passes(one, filter, marks);

  it('keeps kinds, bands of altitude and those who climb', () => {
    expect(passing(aircraft({ kind: 2 }), only({ kinds: [5] }))).toBe(false);
    expect(passing(aircraft({ kind: 5 }), only({ kinds: [2, 5] }))).toBe(true);
    expect([1999, 2000, 3000, 3001].map((altitudeM) => passing(aircraft({ altitudeM }), only({ fromM: 2000, toM: 3000 })))).toEqual([false, true, true, false]);
    expect([0.4, 0.5, undefined].map((climbMps) => passing(aircraft({ climbMps }), only({ climbing: true })))).toEqual([false, true, false]);
  });

  it('drops unknown values, and passes every call for help', () => {
    expect(passing(aircraft({}), only({ fromM: 0 }))).toBe(false);
    expect(passing(aircraft({}), only({ toM: 9000 }))).toBe(false);
    expect(passing(aircraft({ alert: 15 }), only({ kinds: [5], climbing: true, fromM: 0 }))).toBe(true);
  });

  const ground = (device: number, kind: number) => ({ device, kind, alert: 0, lat: 0, lon: 0, version: 1, at: 0, connection: 1 });

  it('keeps kinds on the ground, and every call', () => {
    const kept = (groundKinds: number[]) => [2, 3, 10, 9].filter((kind) => passesGround(ground(1, kind), only({ groundKinds }), marks));
    expect(kept([])).toEqual([2, 3, 10, 9]);
    expect(kept([3])).toEqual([3, 9]);
    // Kinds of aircraft do not concern the ground, nor those of the ground the aircraft.
    expect(passesGround(ground(1, 2), only({ kinds: [5] }), marks)).toBe(true);
    expect(passing(aircraft({}), only({ groundKinds: [3] }))).toBe(true);
  });

  it('keeps favourites, the group and those who call', () => {
    const kept = (some: Partial<Filter>) => [1, 2, 3].filter((device) => passing(aircraft({ device }), only(some)));
    expect(kept({ favourites: true })).toEqual([1]);
    expect(kept({ group: true })).toEqual([2]);
    expect(kept({ calls: true })).toEqual([]);
    expect(passing(aircraft({ device: 3, alert: 9 }), only({ group: true, calls: true }))).toBe(true);
    // Without a group there is nothing to keep to.
    expect(passes(aircraft({ device: 3 }), only({ group: true }), { ...marks, group: new Map() })).toBe(true);
    const alone = { ...marks, chosen: new Set([3]) };
    expect([1, 2, 3].map((device) => passes(aircraft({ device }), EVERYTHING, alone))).toEqual([false, false, true]);
    expect([ground(2, 10), ground(3, 10), ground(3, 9)].map((one) => passesGround(one, only({ group: true, climbing: true }), marks))).toEqual([true, false, true]);
  });
});
