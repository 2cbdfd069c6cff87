import { describe, expect, it } from 'vitest';
import { baseMapsOf, firstBaseMap, merge, type Config } from './config';

const ALPS: Config = { center: [8.0, 46.6], zoom: 8, styleUrl: undefined, basemap: undefined, terrain: undefined };
const STYLE = 'https://tiles.example/style.json';
const HERE = 'https://map.example/live/';

describe('the settings of the server', () => {
  it('are taken over only where they are valid', () => {
    for (const answer of [undefined, null, 'x', {}, { center: ['a', 1], zoom: null, style: 3, basemap: '', terrain: 'x' }]) {
      expect(merge(answer)).toEqual(ALPS);
    }
  });

  it('give the first view and the base maps', () => {
    const answer = { center: [-75.6, 6.2], zoom: 10, style: STYLE, basemap: './map/basemap.pmtiles?v=1', terrain: { url: './map/terrain.pmtiles', encoding: 'mapbox' } };
    expect(merge(answer)).toEqual({
      center: [-75.6, 6.2], zoom: 10, styleUrl: STYLE, basemap: './map/basemap.pmtiles?v=1', terrain: { url: './map/terrain.pmtiles', encoding: 'mapbox' },
    });
  });
});

describe('the first base map', () => {
  const first = (config: Partial<Config>, search = '', stored: string | null = null) => firstBaseMap({ ...ALPS, ...config }, search, stored, HERE);

  it('loads nothing from another host unless chosen', () => {
    expect(first({})).toBe('outline');
    expect(first({ styleUrl: STYLE })).toBe('outline');
    expect(first({ styleUrl: '/style.json' })).toBe('style');
    expect(first({ styleUrl: STYLE, basemap: 'a.pmtiles' })).toBe('file');
  });

  it('is the choice of the user, while it exists', () => {
    expect(first({ styleUrl: STYLE }, '', 'style')).toBe('style');
    expect(first({}, '', 'style')).toBe('outline');
    expect(first({ basemap: 'a.pmtiles' }, '', 'outline')).toBe('outline');
  });

  it('follows the address only to base maps of the server', () => {
    expect(first({ styleUrl: STYLE }, `?style=${STYLE}`)).toBe('style');
    expect(first({ styleUrl: STYLE }, '?style=https://elsewhere.example/style.json')).toBe('outline');
    expect(first({}, '?style=https://elsewhere.example/style.json')).toBe('outline');
    expect(first({ basemap: 'a.pmtiles' }, '?style=offline')).toBe('outline');
  });

  it('is one of the available ones', () => {
    expect(baseMapsOf(ALPS)).toEqual(['outline']);
    expect(baseMapsOf({ ...ALPS, styleUrl: STYLE, basemap: 'a' })).toEqual(['outline', 'file', 'style']);
  });
});
