import { expect, it, vi } from 'vitest';
import { foundIn } from './elsewhere';

// Symbols of the map are made when their module is loaded, and Node has no paths.
vi.hoisted(() => Object.assign(globalThis, { Path2D: class { arc(): void {} } }));

const position = { latitude_deg: 46.6, longitude_deg: 8 };
const at = { lat: 46.6, lon: 8 };

it('takes devices with a position, labelled by name or address', () => {
  expect(foundIn({
    pilots: [{ device: '110B90', name: 'Ada', position, aircraft_kind: 'hang_glider' }, { device: '110B91', name: 'Nowhere' }, { device: 'x', position }],
    stations: [{ device: '050100', position }],
  })).toEqual([
    { selection: { kind: 'device', device: 0x110b90 }, name: 'Ada', detail: '110B90 · Hang glider', position: at },
    { selection: { kind: 'station', device: 0x050100 }, name: '050100', detail: 'Weather station', position: at },
  ]);
  expect(foundIn({})).toEqual([]);
});

it('shows address and kind of pilots of one name', () => {
  const found = foundIn({
    pilots: [{ device: '110B90', name: 'Ada', position, aircraft_kind: 'paraglider' }, { device: '110B91', name: 'Ada', position, aircraft_kind: 77 }],
    ground: [{ device: '110B92', name: 'Ada', position, ground_kind: 'landed_well' }, { device: '110B93', name: 'Ada', position }],
  });
  expect(found.map(({ detail }) => detail)).toEqual(['110B90 · Paraglider', '110B91 · Other aircraft', '110B92 · Landed well', '110B93 · On the ground']);
});
