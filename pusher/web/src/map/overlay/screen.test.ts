import { describe, expect, it } from 'vitest';
import { Screen, spotOf, type Camera } from './screen';

/** Looks at 7 E, 46 N from above; the map is 800 by 600 pixels. */
const camera = (some: Partial<Camera> = {}): Camera => ({
  width: 800, height: 600, zoom: 8, bearingDeg: 0, isRaised: false, isFlat: true, centre: spotOf(7, 46), middle: { x: 400, y: 300 },
  project: () => { throw new Error('only of a tilted map'); }, ...some,
});
const pixel = (lon: number, lat: number, some: Partial<Camera> = {}) => new Screen(camera(some)).pixel(spotOf(lon, lat));

describe('the pixel of a position', () => {
  it('is the middle for what the camera looks at', () => {
    expect(pixel(7, 46)).toEqual({ x: 400, y: 300 });
    expect(pixel(7, 46, { middle: { x: 500, y: 200 } })).toEqual({ x: 500, y: 200 });
  });

  it('is 512 pixels of the equator away for its part of the world', () => {
    const centre = spotOf(0, 0);
    expect(pixel(360 / 2 ** 8, 0, { centre }).x).toBeCloseTo(400 + 512);
    expect(pixel(0, 10, { centre }).y).toBeLessThan(300);
  });

  it('turns with the map', () => {
    const east = pixel(8, 46, { bearingDeg: 90 });
    // The map has east at the top.
    expect(east.x).toBeCloseTo(400);
    expect(east.y).toBeLessThan(300);
  });

  it('is that of the nearest world over the date line', () => {
    const centre = spotOf(179, 46);
    expect(pixel(-179, 46, { centre }).x).toBeCloseTo(pixel(9, 46).x, 3);
    expect(pixel(-179, 46, { centre: spotOf(-181, 46) }).x).toBeCloseTo(pixel(9, 46).x, 3);
  });

  it('is that of MapLibre on a tilted map', () => {
    expect(pixel(-179, 46, { isFlat: false, centre: spotOf(179, 46), project: (lon, lat) => ({ x: lon, y: lat }) })).toEqual({ x: 181, y: 46 });
  });

  it('is above that of the ground over raised terrain', () => {
    const screen = new Screen(camera({ isFlat: false, isRaised: true, project: (lon, _, altitudeM = 0) => ({ x: lon, y: 500 - altitudeM }) }));
    const spot = spotOf(7, 46, 2000);
    expect([screen.pixel(spot), screen.ground(spot)]).toEqual([{ x: 7, y: -1500 }, { x: 7, y: 500 }]);
  });
});

it('leaves out what is farther outside of the map than a margin', () => {
  const screen = new Screen(camera());
  const at = (x: number) => spotOf(7 + ((x - 400) / 512) * (360 / 2 ** 8), 46);
  expect(screen.shown(at(-50), 60)?.x).toBeCloseTo(-50);
  expect([screen.shown(at(-70), 60), screen.shown(at(870), 60)]).toEqual([undefined, undefined]);
});
