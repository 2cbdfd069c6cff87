import { describe, expect, it } from 'vitest';
import { merge } from '../config';
import { graticule } from '../basemap/graticule';
import type { Aircraft } from '../live/objects';
import { formatAddress, parseAddress } from '../live/address';
import { climbStep } from '../map/symbols/climb';
import { barbKnots } from '../map/symbols/station';
import { formatAge, formatClimb, formatCourse, formatPlace, formatWhole } from './format';
import { rank } from './rank';

describe('rank', () => {
  const make = (device: number, name?: string, altitudeM?: number): Aircraft => ({
    device, name, altitudeM, lat: 0, lon: 0, kind: 2, phase: 2, alert: 0, version: 1, at: 0, connection: 1,
  });
  const all = [make(1, 'Beat', 2000), make(2, 'Anna', undefined), make(3, undefined, 3000), make(0x110b90, 'Céline', 1000)];
  const order = (options: Partial<Parameters<typeof rank>[1]>) =>
    rank(all, { sort: 'altitude', ascending: false, search: '', first: new Set(), ...options }).map(({ device }) => device);

  it('sorts, with what is not known at the end', () => {
    expect(order({})).toEqual([3, 1, 0x110b90, 2]);
    expect(order({ ascending: true })).toEqual([0x110b90, 1, 3, 2]);
    expect(order({ sort: 'name', ascending: true })).toEqual([2, 1, 0x110b90, 3]);
  });

  it('puts the followed first', () => {
    expect(order({ first: new Set([2]) })[0]).toBe(2);
  });

  it('finds part of a name or of an address, in any case', () => {
    expect(order({ search: ' cél' })).toEqual([0x110b90]);
    expect(order({ search: '0b9' })).toEqual([0x110b90]);
    expect(order({ search: 'zz' })).toEqual([]);
  });
});

it('writes and reads addresses, manufacturer first', () => {
  expect(formatAddress(0x010b90)).toBe('010B90');
  expect(parseAddress('110b90')).toBe(0x110b90);
  expect(parseAddress('110B9')).toBeUndefined();
});

it('writes values with a sign that can be told from a dash, and nothing for what is not known', () => {
  expect([2.06, -0.44, -0.04, 0, undefined].map(formatClimb)).toEqual(['+2.1', '−0.4', '0.0', '0.0', '']);
  expect([formatWhole(-12.4, 'm'), formatWhole(undefined, 'm')]).toEqual(['−12 m', '–']);
  expect([formatCourse(359.7), formatCourse(235), formatCourse(undefined)]).toEqual(['0° N', '235° SW', '–']);
  expect([0, 99_000, 120_000, 7_200_000].map(formatAge)).toEqual(['0 s', '99 s', '2 min', '2 h']);
  expect(formatPlace(-46.6, 8)).toBe('46.60000° S 8.00000° E');
});

it('sorts climb into steps', () => {
  expect([-9, -0.5, 0.49, 0.5, 99, undefined].map(climbStep)).toEqual([0, 3, 3, 4, 7, -1]);
});

it('counts the feathers of a wind barb in knots', () => {
  expect([0, 4, 18.5, 28].map(barbKnots)).toEqual([0, 0, 10, 15]);
});

describe('the first view', () => {
  it('is the Alps unless the server says something sensible', () => {
    for (const answer of [undefined, null, 'x', {}, { center: ['a', 1], zoom: null, style: 3 }]) {
      expect(merge(answer)).toEqual({ center: [8.0, 46.6], zoom: 8, styleUrl: undefined });
    }
  });

  it('is what the server says', () => {
    expect(merge({ center: [-75.6, 6.2], zoom: 10, style: 'https://tiles.example/style.json' }))
      .toEqual({ center: [-75.6, 6.2], zoom: 10, styleUrl: 'https://tiles.example/style.json' });
  });
});

it('draws a few round degrees across the view', () => {
  const { features } = graticule({ south: 46.2, west: 7.1, north: 47, east: 8.6 });
  expect(features.map(({ properties }) => properties?.label)).toEqual(['7.5°E', '8.0°E', '8.5°E', '46.5°N', '47.0°N']);
  const dateLine = graticule({ south: -1, west: 178, north: 1, east: 183 }).features.map(({ properties }) => properties?.label);
  expect(dateLine.slice(0, 6)).toEqual(['178°E', '179°E', '180°W', '179°W', '178°W', '177°W']);
});
