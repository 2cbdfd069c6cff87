import { expect, it } from 'vitest';
import { foundIn } from './elsewhere';

it('takes devices with a position, and labels them by their address if they have no name', () => {
  const position = { latitude_deg: 46.6, longitude_deg: 8 };
  expect(foundIn({
    pilots: [{ device: '110B90', name: 'Ada', position }, { device: '110B91', name: 'Nowhere' }, { device: 'x', position }],
    stations: [{ device: '050100', position }],
  })).toEqual([
    { selection: { kind: 'device', device: 0x110b90 }, name: 'Ada', position: { lat: 46.6, lon: 8 } },
    { selection: { kind: 'station', device: 0x050100 }, name: '050100', position: { lat: 46.6, lon: 8 } },
  ]);
  expect(foundIn({})).toEqual([]);
});
