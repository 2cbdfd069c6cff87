import { expect, it } from 'vitest';
import { around, isValid, limitText, type ZoneFeature } from './zones';

const zone = (valid_from: string | null, valid_until: string | null): ZoneFeature => ({
  type: 'Feature', geometry: { type: 'Polygon', coordinates: [] },
  properties: { set: 'alps', name: 'a', class: 'R', floor: 'GND', ceiling: 'UNL', valid_from, valid_until },
});

const AT = '2026-05-01T08:00:00Z', LATER = '2026-05-01T08:00:01Z';

it('writes limits in the units of the user', () => {
  const feet = (metres: number) => `${Math.round(metres / 0.3048)} ft`;
  expect(['GND', 'FL95', '1371.6 m', '300 m AGL', 'UNL'].map((limit) => limitText(limit, feet))).toEqual(['GND', 'FL95', '4500 ft', '984 ft AGL', 'UNL']);
});

it('shows zones only while they are valid', () => {
  expect([zone(null, null), zone(AT, null), zone(LATER, null), zone(null, AT), zone(null, LATER)].map((one) => isValid(one, Date.parse(AT))))
    .toEqual([true, true, false, false, true]);
});

it('asks for full degrees around the view', () => {
  expect(around([46.2, 7.9, 46.9, 8.1])).toEqual([46, 7, 47, 9]);
  expect(around([-89.5, 179.5, 89.5, 181.5])).toEqual([-90, 179, 90, 182]);
});
