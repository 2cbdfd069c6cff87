import { describe, expect, it } from 'vitest';
import { Formats } from '../settings/formats';
import { contourInterval } from './contours';
import { decodeDem, degreesOf, sampleDem, tilePosition } from './dem';
import { isolines, type Grid } from './isolines';

describe('an elevation model', () => {
  it('is read out of red, green and blue', () => {
    // From the descriptions of both encodings: sea level, the Matterhorn, a quarter of a metre.
    const terrarium = decodeDem(Uint8ClampedArray.of(128, 0, 0, 255, 145, 126, 0, 255, 128, 0, 64, 255, 127, 255, 0, 255), 2, 'terrarium');
    expect([...terrarium.metres]).toEqual([0, 4478, 0.25, -1]);
    const mapbox = decodeDem(Uint8ClampedArray.of(1, 134, 160, 255), 1, 'mapbox');
    expect(mapbox.metres[0]).toBe(0);
  });

  it('is smooth between pixels and ends at the rim', () => {
    const tile = { side: 2, metres: Float32Array.of(0, 100, 200, 300) };
    expect(sampleDem(tile, 0.5, 0.5)).toBe(150);
    expect(sampleDem(tile, 0.25, 0.25)).toBe(0);
    expect([sampleDem(tile, 0, 0), sampleDem(tile, 1, 1)]).toEqual([0, 300]);
  });

  it('numbers tiles from the north-west, across the date line too', () => {
    // https://wiki.openstreetmap.org/wiki/Slippy_map_tilenames
    expect(tilePosition(46.6, 8, 10)).toMatchObject({ x: 534, y: 361 });
    expect(tilePosition(46.6, 368, 10).x).toBe(534);
    expect(tilePosition(0, -180, 3).x).toBe(0);
    expect(tilePosition(-89, 0, 3).y).toBe(7);
    const { x, y, fx, fy } = tilePosition(46.6, 8, 10);
    const [lon, lat] = degreesOf(x + fx, y + fy, 10);
    expect(lon).toBeCloseTo(8, 9);
    expect(lat).toBeCloseTo(46.6, 9);
  });
});

describe('isolines', () => {
  const grid = (width: number, height: number, metres: (x: number, y: number) => number): Grid => ({
    width, height, metres: Float32Array.from({ length: width * height }, (_, i) => metres(i % width, Math.floor(i / width))),
  });

  it('cross a slope as one line each', () => {
    const lines = isolines(grid(11, 5, (x) => x * 10), 50);
    // 0 m is the rim: nothing is below it.
    expect(lines.map(({ metres }) => metres)).toEqual([50, 100]);
    expect(lines[0]!.points).toHaveLength(5);
    for (const [x] of lines[0]!.points) expect(x).toBeCloseTo(5);
  });

  it('close about a hill, at their height', () => {
    const hill = (x: number, y: number) => 1000 - 10 * Math.hypot(x - 20, y - 20) ** 1.2;
    const lines = isolines(grid(41, 41, hill), 100);
    expect(lines.map(({ metres }) => metres).sort()).toContain(900);
    for (const { metres, points } of lines.filter(({ metres }) => metres >= 800)) {
      expect(points[0]).toEqual(points.at(-1));
      for (const [x, y] of points) expect(Math.abs(hill(x, y) - metres)).toBeLessThan(3);
    }
  });

  it('join across cells where the interval is no integer', () => {
    const lines = isolines(grid(21, 3, (x) => x * 97), 100 * 0.3048);
    expect(lines).toHaveLength(new Set(lines.map(({ metres }) => metres)).size);
  });

  it('stop at unknown elevations', () => {
    const lines = isolines(grid(11, 5, (x, y) => (y === 2 ? Number.NaN : x * 10)), 50);
    expect(lines.map(({ points }) => points.length)).toEqual([2, 2, 2, 2]);
  });

  it('are fewer from afar', () => {
    expect([8, 9, 10.5, 12, 13.2, 16].map((zoom) => contourInterval(zoom, new Formats('metric').units.altitude))).toEqual([undefined, 500, 200, 100, 50, 20]);
    const { altitude } = new Formats('imperial').units;
    expect(contourInterval(8, altitude)).toBeUndefined();
    expect([9, 16].map((zoom) => Math.round(contourInterval(zoom, altitude)! / 0.3048))).toEqual([2000, 100]);
  });
});
