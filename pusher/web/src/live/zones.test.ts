import { expect, it } from 'vitest';
import { around, isValid, limitText, type ZoneFeature } from './zones';

const zone = (valid_from_us: string | null, valid_until_us: string | null): ZoneFeature => ({
  type: 'Feature', geometry: { type: 'Polygon', coordinates: [] },
  properties: { name: 'a', class: 'R', floor: 'GND', ceiling: 'UNL', valid_from_us, valid_until_us },
});

it('writes limits in the units of the user', () => {
  const feet = (metres: number) => `${Math.round(metres / 0.3048)} ft`;
  expect(['GND', 'FL95', '1372 m', '300 m AGL', 'UNL'].map((limit) => limitText(limit, feet))).toEqual(['GND', 'FL95', '4501 ft', '984 ft AGL', 'UNL']);
});

it('shows zones only while they are valid', () => {
  expect([zone(null, null), zone('5000', null), zone('6000', null), zone(null, '5000'), zone(null, '5001')].map((one) => isValid(one, 5)))
    .toEqual([true, true, false, false, true]);
});

it('asks for full degrees around the view', () => {
  expect(around([46.2, 7.9, 46.9, 8.1])).toEqual([46, 7, 47, 9]);
  expect(around([-89.5, 179.5, 89.5, 181.5])).toEqual([-90, 179, 90, 182]);
});
