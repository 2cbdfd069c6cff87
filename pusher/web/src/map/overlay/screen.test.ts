import { describe, expect, it } from 'vitest';
import type { Map as MapLibre } from 'maplibre-gl';
import { EXAGGERATION } from '../../terrain/raise';
import { cameraOf, Screen, spotOf, type Camera } from './screen';

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

/** A map of 800 by 600 pixels that looks at 7 E, 46 N from 5 km, over ground that rises by so many metres per metre to the east and to the north. */
function slope({ east, north, bearingDeg, pitchDeg = 60 }: { east: number; north: number; bearingDeg: number; pitchDeg?: number }) {
  const [bearing, pitch, fovDeg, distanceM] = [(bearingDeg * Math.PI) / 180, (pitchDeg * Math.PI) / 180, 36.87, 5000];
  const focalPx = 300 / Math.tan((fovDeg * Math.PI) / 360);
  const metres = ([lon, lat]: [number, number]) => [(lon - 7) * 111_195 * Math.cos((46 * Math.PI) / 180), (lat - 46) * 111_195] as const;
  const heightM = (at: [number, number]) => metres(at)[0] * east + metres(at)[1] * north;
  /** To the right, forward along the ground, and away from the camera. */
  const seen = (at: [number, number]) => {
    const [x, y] = metres(at);
    const [right, forward] = [x * Math.cos(bearing) - y * Math.sin(bearing), x * Math.sin(bearing) + y * Math.cos(bearing)];
    return { right, forward, awayM: distanceM + forward * Math.sin(pitch) - heightM(at) * Math.cos(pitch) };
  };
  const project = (at: [number, number]) => {
    const { right, forward, awayM } = seen(at);
    return { x: 400 + (focalPx * right) / awayM, y: 300 - (focalPx * (forward * Math.cos(pitch) + heightM(at) * Math.sin(pitch))) / awayM };
  };
  const map = {
    project, getContainer: () => ({ clientWidth: 800, clientHeight: 600 }), getCenter: () => ({ lng: 7, lat: 46 }), getTerrain: () => ({}), getZoom: () => 13, getBearing: () => bearingDeg, getPitch: () => pitchDeg,
    getVerticalFieldOfView: () => fovDeg, queryTerrainElevation: heightM,
  } as unknown as MapLibre;
  return { map, heightM, project, perMetre: (at: [number, number]) => (focalPx / seen(at).awayM) * Math.sin(pitch) };
}

describe('an altitude over raised terrain', () => {
  it.each([
    { east: 0, north: 0, bearingDeg: 0 }, { east: 0.7, north: 0, bearingDeg: 0 }, { east: -0.7, north: 0.2, bearingDeg: 0 }, { east: 0.5, north: -0.5, bearingDeg: 40 }, { east: 0.5, north: 0.3, bearingDeg: 0, pitchDeg: 20 },
  ])('has the scale of the ground below: $east, $north, $bearingDeg', (ground) => {
    const { map, heightM, project, perMetre } = slope(ground);
    const { project: pixelOf } = cameraOf(map);
    for (const at of [[7, 46], [7.018, 46.002], [6.985, 46.004], [7.01, 45.99]] as [number, number][]) {
      const aboveM = 1000;
      const pixel = pixelOf(...at, (heightM(at) + aboveM) / EXAGGERATION);
      expect(pixel.x).toBeCloseTo(project(at).x);
      expect((project(at).y - pixel.y) / (aboveM * perMetre(at))).toBeCloseTo(1, 2);
    }
  });
});
