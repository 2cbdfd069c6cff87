import { describe, expect, it } from 'vitest';
import { EVERYTHING } from '../ui/filter';
import { keptOf, savedFrom, settingsOf, stateOf, withoutView, withSettings, withView, type MapState } from './saved-views';

const now: MapState = { view: { south: 46, west: 7, north: 47, east: 9 }, filter: EVERYTHING, hidden: ['winds'], colour: 'climb', baseMap: 'outline', raised: false };
const chosen: MapState = {
  view: { south: 45.123456789, west: 6, north: 46.5, east: 8.25 }, filter: { ...EVERYTHING, kinds: [2], climbing: true, fromM: 1000 }, hidden: ['thermals', 'receivers'], colour: 'altitude',
  baseMap: 'file', raised: true,
};

describe('a saved view', () => {
  it('brings back region, filter, layers, colours, base map and terrain', () => {
    const saved = savedFrom('Home', chosen);
    expect(saved).toMatchObject({ name: 'Home', south_deg: 45.123457, filters: { show: 'climbing,kind:2,from:1000' } });
    // As the server gives it back.
    const [again] = keptOf(JSON.parse(JSON.stringify({ views: [saved] }))).views;
    expect(stateOf(again!, now)).toEqual({ ...chosen, view: { ...chosen.view, south: 45.123457 } });
  });

  it('may cross the date line, and hold all layers', () => {
    const saved = savedFrom('Fiji', { ...chosen, view: { south: -20, west: 175, north: -10, east: 185 }, hidden: [] });
    expect(saved).toMatchObject({ west_deg: 175, east_deg: -175 });
    expect(stateOf(saved, now)).toMatchObject({ view: { west: 175, east: 185 }, hidden: [] });
  });

  it('leaves as it is what another program did not save, or saved in another way', () => {
    const [other] = keptOf({ views: [{ name: 'Other', south_deg: 1, west_deg: 2, north_deg: 3, east_deg: 4, display: { colour: 'mood', base: 'moon' } }, { name: 5 }, 'none'] }).views;
    expect(stateOf(other!, now)).toEqual({ ...now, view: { south: 1, west: 2, north: 3, east: 4 } });
    expect(keptOf(undefined)).toEqual({ views: [], display: {} });
  });

  it('replaces the one of its name, and can be removed', () => {
    const kept = [savedFrom('A', now), savedFrom('B', now), savedFrom('A', chosen)].reduce(withView, { views: [], display: { other: 'stays' } });
    expect(kept.views.map(({ name, display }) => `${name} ${display.colour}`)).toEqual(['A altitude', 'B climb']);
    expect(withoutView(kept, 'A')).toMatchObject({ views: [{ name: 'B' }], display: { other: 'stays' } });
  });
});

describe('settings in the account', () => {
  it('are those of the person, beside texts of other programs', () => {
    const kept = withSettings({ views: [], display: { units: 'metric', other: 'stays' } }, { units: 'aviation', sound: false, windBand: 1500, theme: 'sunlight', data: 'saving', notify: true });
    expect(kept.display).toEqual({ other: 'stays', units: 'aviation', sound: 'false', windBand: '1500', theme: 'sunlight' });
    expect(settingsOf(kept)).toEqual({ units: 'aviation', sound: false, windBand: 1500, theme: 'sunlight' });
  });

  it('are left out where they are unknown', () => {
    expect(settingsOf({ views: [], display: { units: 'furlong', windBand: 'high', other: 'stays' } })).toEqual({});
    expect(settingsOf({ views: [], display: {} })).toEqual({});
  });
});
