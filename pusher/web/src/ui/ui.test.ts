import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress, type Aircraft } from 'updraft-client';
import { graticule } from '../basemap/graticule';
import { climbStep } from '../map/symbols/climb';
import { colourStep, COLOUR_SCALES, scaleColour, scaleLegend } from '../map/symbols/colour';
import { Formats } from '../settings/formats';
import { barbKnots } from '../map/symbols/station';
import { keyName } from './keys';
import { rank, rankGround } from './rank';

describe('rank', () => {
  const make = (device: number, name?: string, altitudeM?: number): Aircraft => ({
    device, name, altitudeM, lat: 0, lon: 0, kind: 2, phase: 2, alert: 0, version: 1, at: 0, connection: 1,
  });
  const all = [make(1, 'Beat', 2000), make(2, 'Anna', undefined), make(3, undefined, 3000), make(0x110b90, 'Céline', 1000)];
  const order = (options: Partial<Parameters<typeof rank>[1]>) =>
    rank(all, { sort: 'altitude', ascending: false, search: '', first: new Set(), ...options }).map(({ device }) => device);

  it('sorts, with unknown values at the end', () => {
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

it('lists the most urgent ground objects first', () => {
  const make = (device: number, kind: number, at: number) => ({ device, kind, at, lat: 0, lon: 0, alert: 0, version: 1, connection: 1 });
  const all = [make(1, 3, 9), make(2, 9, 1), make(3, 15, 2), make(4, 10, 10), make(5, 13, 3)];
  expect(rankGround(all).map(({ device }) => device)).toEqual([3, 5, 2, 4, 1]);
});

it('writes and reads addresses, manufacturer first', () => {
  expect(formatAddress(0x010b90)).toBe('010B90');
  expect(parseAddress('110b90')).toBe(0x110b90);
  expect(parseAddress('110B9')).toBeUndefined();
});

it('sorts climb into steps', () => {
  expect([-9, -0.5, 0.49, 0.5, 99, undefined].map(climbStep)).toEqual([0, 3, 3, 4, 7, -1]);
});

/** Relative luminance (WCAG 2). */
function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

describe('a colour scale', () => {
  it('can be read without colours: neighbours differ in lightness', () => {
    for (const scale of COLOUR_SCALES) {
      const light = scaleLegend(scale, new Formats('metric')).steps.map((_, step) => luminance(scaleColour(scale, step)));
      light.slice(1).forEach((next, i) => expect(Math.abs(next - light[i]!), `${scale} ${i}`).toBeGreaterThan(0.04));
    }
  });

  it('names its steps in the units of the user', () => {
    expect(scaleLegend('climb', new Formats('metric')).steps.map(({ label }) => label)).toEqual(['< −3.0', '−3.0', '−1.5', '−0.5', '+0.5', '+1.5', '+3.0', '+5.0']);
    expect(scaleLegend('altitude', new Formats('aviation')).steps[1]!.label).toBe('3281');
    expect([0, 29.9, 30, 700].map((age) => colourStep('age', age))).toEqual([0, 0, 1, 3]);
  });
});

it('names a letter of another script by its place on the keyboard', () => {
  const name = (key: string, code: string) => keyName({ key, code });
  expect([name('Д', 'KeyL'), name('L', 'KeyL'), name('/', 'Slash'), name('o', 'KeyS'), name('ö', 'Semicolon')]).toEqual(['l', 'l', '/', 'o', 'ö']);
});

it('counts the feathers of a wind barb in knots', () => {
  expect([0, 4, 18.5, 28].map(barbKnots)).toEqual([0, 0, 10, 15]);
});

it('draws a few round degrees across the view', () => {
  const { features } = graticule({ south: 46.2, west: 7.1, north: 47, east: 8.6 });
  expect(features.map(({ properties }) => properties?.label)).toEqual(['7.5°E', '8.0°E', '8.5°E', '46.5°N', '47.0°N']);
  const dateLine = graticule({ south: -1, west: 178, north: 1, east: 183 }).features.map(({ properties }) => properties?.label);
  expect(dateLine.slice(0, 6)).toEqual(['178°E', '179°E', '180°W', '179°W', '178°W', '177°W']);
});
