import { describe, expect, it } from 'vitest';
import { distanceKm, narrowed, padded, regionOf, regionQuery, suits, wrapLongitude } from './region';

const VALAIS = { south: 46, west: 7, north: 46.6, east: 8.2 };

const LIMITS = { maxRadiusKm: 200, maxSpanKm: 2000 };

describe('regionOf', () => {
  it('is the view while the server gives all of it', () => {
    expect(regionOf(VALAIS, LIMITS)).toEqual({ bounds: { south_deg: 46, west_deg: 7, north_deg: 46.6, east_deg: 8.2 } });
  });

  it('is the largest circle about the middle of a wider view', () => {
    expect(regionOf({ south: 36, west: -6, north: 56, east: 22 }, LIMITS)).toEqual({ circle: { latitude_deg: 46, longitude_deg: 8, radius_km: 200 } });
  });

  it('is about what is in the middle of the screen', () => {
    const world = { south: -60, west: -170, north: 80, east: 190, centre: { lat: 46.6, lon: 370 } };
    expect(regionOf(world, LIMITS)).toEqual({ circle: { latitude_deg: 46.6, longitude_deg: 10, radius_km: 200 } });
  });

  it('obeys the limits that the server stated', () => {
    expect(regionOf(VALAIS, { maxRadiusKm: 20, maxSpanKm: 66 })).toHaveProperty('circle.radius_km', 20);
    // 67 km from south to north, 93 km from west to east.
    expect(regionOf(VALAIS, { maxRadiusKm: 20, maxSpanKm: 92 })).toHaveProperty('circle');
    expect(regionOf(VALAIS, { maxRadiusKm: 20, maxSpanKm: 93 })).toHaveProperty('bounds');
  });

  it('measures the width where it is widest', () => {
    // 10 degrees are 1112 km at the equator and 193 km at 80 degrees.
    expect(regionOf({ south: 0, west: 0, north: 1, east: 10 }, { ...LIMITS, maxSpanKm: 1000 })).toHaveProperty('circle');
    expect(regionOf({ south: -81, west: 0, north: -80, east: 10 }, { ...LIMITS, maxSpanKm: 200 })).toHaveProperty('bounds');
  });

  it('crosses the date line with west greater than east', () => {
    expect(regionOf({ south: -18, west: 179, north: -17, east: 181 }, LIMITS)).toEqual({ bounds: { south_deg: -18, west_deg: 179, north_deg: -17, east_deg: -179 } });
  });

  it('finds the middle of a wide view over the date line', () => {
    expect(regionOf({ south: -30, west: 160, north: 0, east: 210 }, LIMITS)).toHaveProperty('circle.longitude_deg', -175);
  });

  it('is a circle for the whole world, whose width would vanish when wrapped', () => {
    expect(regionOf({ south: -85, west: -180, north: 85, east: 180 }, LIMITS)).toHaveProperty('circle.radius_km', 200);
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

  it('asks anew for a view that looks out of it, or much closer', () => {
    expect(suits(region, { ...VALAIS, west: 7.5, east: 8.7 }, LIMITS)).toBe(false);
    expect(suits(region, { ...VALAIS, west: 6.8 }, LIMITS)).toBe(false);
    expect(suits(region, { south: 46.2, west: 7.4, north: 46.4, east: 7.8 }, LIMITS)).toBe(false);
  });

  it('asks for a circle once the server refused bounds of that size', () => {
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

it('measures the distance from Bern to Zürich', () => {
  expect(distanceKm(46.948, 7.447, 47.377, 8.541)).toBeCloseTo(95.6, 0);
});

it('writes a region as the address wants it', () => {
  expect(regionQuery(regionOf(VALAIS, LIMITS))).toEqual({ bounds: '46.00000,7.00000,46.60000,8.20000' });
  expect(regionQuery({ circle: { latitude_deg: 46, longitude_deg: 8, radius_km: 50 } })).toEqual({ lat: '46.00000', lon: '8.00000', radius: '50' });
});
