import { expect, it } from 'vitest';
import { isSetName, mediaTypeOf, withZone, type ZoneFile } from './set';

const CORNERS = [{ lat: 46.1234567, lon: 7.5 }, { lat: 47, lon: 7.5 }, { lat: 47, lon: 8 }];

it('adds a closed outline, and says what was left out', () => {
  const empty: ZoneFile = { type: 'FeatureCollection', features: [] };
  const one = withZone(empty, { name: ' Landing ', class: 'W', floor: '', ceiling: ' 2000 m ' }, CORNERS);
  expect(one.features).toEqual([{
    type: 'Feature', geometry: { type: 'Polygon', coordinates: [[[7.5, 46.123457], [7.5, 47], [8, 47], [7.5, 46.123457]]] },
    properties: { name: 'Landing', class: 'W', floor: 'GND', ceiling: '2000 m' },
  }]);
  const two = withZone(one, { name: 'b', class: '', floor: 'FL95', ceiling: '' }, CORNERS);
  expect(two.features.map(({ properties }) => [properties!['name'], properties!['floor'], properties!['ceiling']])).toEqual([['Landing', 'GND', '2000 m'], ['b', 'FL95', 'UNL']]);
});

it('knows names of sets and kinds of files', () => {
  expect(['alps', 'a-1', '', 'Alps', 'a b', 'x'.repeat(49)].map(isSetName)).toEqual([true, true, false, false, false, false]);
  expect(['a.txt', 'a.GeoJSON', 'a.json', 'openair'].map(mediaTypeOf)).toEqual(['text/plain', 'application/geo+json', 'application/geo+json', 'text/plain']);
});
