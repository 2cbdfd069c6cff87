import { describe, expect, it } from 'vitest';
import { bearingDeg, destination, distanceKm, isWider, narrowed, padded, regionOf, regionQuery, suits, wrapLongitude } from './region.js';

const VALAIS = { south: 46, west: 7, north: 46.6, east: 8.2 };

const LIMITS = { maxRadiusKm: 200, maxSpanKm: 2000 };

describe('regionOf', () => {
  it('is the view while the server accepts it', () => {
    expect(regionOf(VALAIS, LIMITS)).toEqual({ bounds: { south_deg: 46, west_deg: 7, north_deg: 46.6, east_deg: 8.2 } });
  });

  it('is the largest bounds about the centre of a wider view', () => {
    const world = { south: -60, west: -170, north: 80, east: 190, centre: { lat: 46.6, lon: 370 } };
    for (const [view, lat, lon] of [[{ south: 36, west: -6, north: 56, east: 22 }, 46, 8], [world, 46.6, 10]] as const) {
      const region = regionOf(view, LIMITS);
      if (!('bounds' in region)) throw new Error('bounds are expected');
      const { south_deg, west_deg, north_deg, east_deg } = region.bounds;
      expect((south_deg + north_deg) / 2).toBeCloseTo(lat, 6);
      expect((west_deg + east_deg) / 2).toBeCloseTo(lon, 6);
      expect(isWider({ south: south_deg, west: west_deg, north: north_deg, east: east_deg }, LIMITS)).toBe(false);
      expect(distanceKm(lat, west_deg, lat, east_deg)).toBeGreaterThan(1000);
    }
  });

  it('is a circle where bounds are no larger', () => {
    expect(regionOf({ south: 36, west: -6, north: 56, east: 22 }, { maxRadiusKm: 200, maxSpanKm: 282 })).toEqual({ circle: { latitude_deg: 46, longitude_deg: 8, radius_km: 200 } });
  });

  it('keeps to the limits of the server', () => {
    expect(regionOf(VALAIS, { maxRadiusKm: 20, maxSpanKm: 28 })).toHaveProperty('circle.radius_km', 20);
    // 67 km from south to north, 93 km from west to east.
    expect([92, 93].map((maxSpanKm) => isWider(VALAIS, { maxRadiusKm: 20, maxSpanKm }))).toEqual([true, false]);
  });

  it('measures the width where it is widest', () => {
    // 10 degrees are 1112 km at the equator and 193 km at 80 degrees.
    expect(isWider({ south: 0, west: 0, north: 1, east: 10 }, { ...LIMITS, maxSpanKm: 1000 })).toBe(true);
    expect(isWider({ south: -81, west: 0, north: -80, east: 10 }, { ...LIMITS, maxSpanKm: 200 })).toBe(false);
  });

  it('crosses the date line with west greater than east', () => {
    expect(regionOf({ south: -18, west: 179, north: -17, east: 181 }, LIMITS)).toEqual({ bounds: { south_deg: -18, west_deg: 179, north_deg: -17, east_deg: -179 } });
  });

  it('finds the middle of a wide view over the date line', () => {
    const region = regionOf({ south: -30, west: 160, north: 0, east: 210 }, LIMITS);
    if (!('bounds' in region)) throw new Error('bounds are expected');
    expect((region.bounds.west_deg + region.bounds.east_deg + 360) / 2 - 360).toBeCloseTo(-175, 6);
  });

  it('is no strip for the world, whose width would vanish when wrapped', () => {
    const region = regionOf({ south: -85, west: -180, north: 85, east: 180 }, LIMITS);
    expect('bounds' in region && region.bounds.east_deg - region.bounds.west_deg).toBeGreaterThan(10);
  });
});

describe('narrowed', () => {
  it('leaves alone what fits into the largest circle', () => {
    expect(narrowed(regionOf(VALAIS, LIMITS), 200)).toEqual(regionOf(VALAIS, LIMITS));
  });

  it('makes a circle of larger bounds, over the date line too', () => {
    const wide = regionOf({ south: -20, west: 175, north: -10, east: 187 }, LIMITS);
    expect(narrowed(wide, 200)).toEqual({ circle: { latitude_deg: -15, longitude_deg: -179, radius_km: 200 } });
  });
});

describe('suits', () => {
  const region = regionOf(padded(VALAIS), LIMITS);

  it('keeps the region for a small move', () => {
    expect(suits(region, VALAIS, LIMITS)).toBe(true);
    expect(suits(region, { ...VALAIS, west: 7.1, east: 8.3 }, LIMITS)).toBe(true);
  });

  it('does not fit a view outside of it, or a much closer one', () => {
    expect(suits(region, { ...VALAIS, west: 7.5, east: 8.7 }, LIMITS)).toBe(false);
    expect(suits(region, { ...VALAIS, west: 6.8 }, LIMITS)).toBe(false);
    expect(suits(region, { south: 46.2, west: 7.4, north: 46.4, east: 7.8 }, LIMITS)).toBe(false);
  });

  it('does not fit once the server refused bounds of that size', () => {
    expect(suits(region, VALAIS, { maxRadiusKm: 20, maxSpanKm: 28 })).toBe(false);
  });

  it('works over the date line', () => {
    const fiji = { south: -18, west: 179, north: -17, east: 181 };
    expect(suits(regionOf(padded(fiji), LIMITS), fiji, LIMITS)).toBe(true);
    expect(suits(regionOf(padded(fiji), LIMITS), { ...fiji, west: -181, east: -179 }, LIMITS)).toBe(true);
    expect(suits(regionOf(padded(fiji), LIMITS), { ...fiji, west: 180, east: 182 }, LIMITS)).toBe(false);
  });
});

it('wraps longitudes', () => {
  expect([190, -190, 360, 180, -180, 541].map(wrapLongitude)).toEqual([-170, 170, 0, 180, -180, -179]);
});

it('finds the direction from one position to another, over the date line too', () => {
  expect(bearingDeg(46, 8, 47, 8)).toBeCloseTo(0, 6);
  expect(bearingDeg(0, 179, 0, -179)).toBeCloseTo(90, 6);
  // From Bern to Zürich, east-northeast.
  expect(bearingDeg(46.948, 7.447, 47.377, 8.541)).toBeCloseTo(59.6, 0);
});

it('finds the position at a distance in a direction', () => {
  const [lon, lat] = destination(46.948, 7.447, 59.6, 95.6);
  expect(lat).toBeCloseTo(47.377, 2);
  expect(lon).toBeCloseTo(8.541, 2);
});

it('measures the distance from Bern to Zürich', () => {
  expect(distanceKm(46.948, 7.447, 47.377, 8.541)).toBeCloseTo(95.6, 0);
});

it('writes a region as parameters of the address', () => {
  expect(regionQuery(regionOf(VALAIS, LIMITS))).toEqual({ bounds: '46.00000,7.00000,46.60000,8.20000' });
  expect(regionQuery({ circle: { latitude_deg: 46, longitude_deg: 8, radius_km: 50 } })).toEqual({ lat: '46.00000', lon: '8.00000', radius: '50' });
});
