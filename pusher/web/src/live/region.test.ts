import { describe, expect, it } from 'vitest';
import { distanceKm, padded, regionOf, regionQuery, suits, wrapLongitude } from './region';

const VALAIS = { south: 46, west: 7, north: 46.6, east: 8.2 };

describe('regionOf', () => {
  it('is the view while the server gives all of it', () => {
    expect(regionOf(VALAIS)).toEqual({ bounds: { south_deg: 46, west_deg: 7, north_deg: 46.6, east_deg: 8.2 } });
  });

  it('is the largest circle about the middle of a wider view', () => {
    expect(regionOf({ south: 40, west: 0, north: 52, east: 16 })).toEqual({ circle: { latitude_deg: 46, longitude_deg: 8, radius_km: 200 } });
  });

  it('obeys the limit that the server stated', () => {
    expect(regionOf(VALAIS, 20)).toHaveProperty('circle.radius_km', 20);
  });

  it('crosses the date line with west greater than east', () => {
    expect(regionOf({ south: -18, west: 179, north: -17, east: 181 })).toEqual({ bounds: { south_deg: -18, west_deg: 179, north_deg: -17, east_deg: -179 } });
  });

  it('finds the middle of a wide view over the date line', () => {
    expect(regionOf({ south: -30, west: 160, north: 0, east: 210 })).toHaveProperty('circle.longitude_deg', -175);
  });

  it('is a circle for the whole world, whose width would vanish when wrapped', () => {
    expect(regionOf({ south: -85, west: -180, north: 85, east: 180 })).toHaveProperty('circle.radius_km', 200);
  });

  it('is never smaller than a server takes', () => {
    expect(regionOf({ south: 46, west: 8, north: 46.001, east: 8.001 })).toHaveProperty('circle.radius_km', 1);
  });
});

describe('suits', () => {
  const region = regionOf(padded(VALAIS));

  it('keeps the region for a small move', () => {
    expect(suits(region, VALAIS)).toBe(true);
    expect(suits(region, { ...VALAIS, west: 7.1, east: 8.3 })).toBe(true);
  });

  it('asks anew for a view that looks out of it, or much closer', () => {
    expect(suits(region, { ...VALAIS, west: 7.5, east: 8.7 })).toBe(false);
    expect(suits(region, { ...VALAIS, west: 6.8 })).toBe(false);
    expect(suits(region, { south: 46.2, west: 7.4, north: 46.4, east: 7.8 })).toBe(false);
  });

  it('works over the date line', () => {
    const fiji = { south: -18, west: 179, north: -17, east: 181 };
    expect(suits(regionOf(padded(fiji)), fiji)).toBe(true);
    expect(suits(regionOf(padded(fiji)), { ...fiji, west: -181, east: -179 })).toBe(true);
    expect(suits(regionOf(padded(fiji)), { ...fiji, west: 180, east: 182 })).toBe(false);
  });
});

it('wraps longitudes', () => {
  expect([190, -190, 360, 180, -180, 541].map(wrapLongitude)).toEqual([-170, 170, 0, 180, -180, -179]);
});

it('measures the distance from Bern to Zürich', () => {
  expect(distanceKm(46.948, 7.447, 47.377, 8.541)).toBeCloseTo(95.6, 0);
});

it('writes a region as the address wants it', () => {
  expect(regionQuery(regionOf(VALAIS))).toEqual({ bounds: '46.00000,7.00000,46.60000,8.20000' });
  expect(regionQuery({ circle: { latitude_deg: 46, longitude_deg: 8, radius_km: 50 } })).toEqual({ lat: '46.00000', lon: '8.00000', radius: '50' });
});
