import { describe, expect, it } from 'vitest';
import { CellSet, cellOf } from './cells.js';

describe('cellOf', () => {
  it('agrees with published geohashes', () => {
    // From the geohash article of Wikipedia, and from geohash.org.
    expect(cellOf(57.64911, 10.40744, 11)).toBe('u4pruydqqvj');
    expect(cellOf(42.605, -5.603, 5)).toBe('ezs42');
    expect(cellOf(-25.382708, -49.265506, 6)).toBe('6gkzwg');
  });
});

describe('CellSet', () => {
  it('holds what lies in cells of mixed precision', () => {
    const cells = new CellSet(['u0m', 'u0qj']);
    expect(cells.contains(46.95, 7.45)).toBe(true);
    expect(cells.contains(47.37, 8.54)).toBe(true);
    expect(cells.contains(48.86, 2.35)).toBe(false);
  });

  it('works on both sides of the date line', () => {
    const fiji = new CellSet([cellOf(-17, 179.9, 3), cellOf(-17, -179.9, 3)]);
    expect(fiji.contains(-17, 179.95)).toBe(true);
    expect(fiji.contains(-17, -179.95)).toBe(true);
    expect(fiji.contains(-17, 175)).toBe(false);
    expect(fiji.contains(-17, 0)).toBe(false);
  });

  it('takes the date line itself as part of both sides', () => {
    expect(new CellSet([cellOf(-17, 179.9, 3)]).contains(-17, -180)).toBe(true);
    expect(new CellSet([cellOf(-17, -179.9, 3)]).contains(-17, 180)).toBe(true);
  });

  it('holds the pole', () => {
    expect(new CellSet([cellOf(90, 0, 2)]).contains(90, 0)).toBe(true);
  });

  it('holds nothing without cells', () => {
    expect(new CellSet([]).contains(46, 8)).toBe(false);
  });
});
