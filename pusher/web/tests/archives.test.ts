// The archives of tests and of the build, read by the page's library.
import { PMTiles } from 'pmtiles';
import { expect, it } from 'vitest';
import { tileId, writePmtiles } from '../scripts/pmtiles-writer.mjs';
import { basemapArchive, terrainArchive } from './archives.mjs';

function open(bytes: Uint8Array): PMTiles {
  return new PMTiles({
    getKey: () => 'test',
    getBytes: async (offset, length) => ({ data: Uint8Array.from(bytes.subarray(offset, offset + length)).buffer }),
  });
}

it('numbers tiles along the Hilbert curve', () => {
  // From the specification of PMTiles, version 3.
  expect([[0, 0, 0], [1, 0, 0], [1, 0, 1], [1, 1, 1], [1, 1, 0], [2, 0, 0]].map(([z, x, y]) => tileId(z!, x!, y!))).toEqual([0, 1, 2, 3, 4, 5]);
  expect(tileId(12, 3423, 1763)).toBe(19_078_479);
});

it('writes archives from which every tile can be read', async () => {
  const tiles = Array.from({ length: 4 ** 7 }, (_, i) => ({ z: 7, x: i % 128, y: Math.floor(i / 128), data: Buffer.from(i % 3 === 0 ? 'same' : `tile ${i * 7919}`) }));
  const archive = open(writePmtiles(tiles, { tileType: 2, metadata: { name: 'many' } }));
  expect((await archive.getHeader()).leafDirectoryLength).toBeGreaterThan(0);
  for (const i of [0, 1, 3, 4, 5000, 16_383]) {
    const { z, x, y, data } = tiles[i]!;
    expect(Buffer.from((await archive.getZxy(z, x, y))!.data).toString(), `tile ${i}`).toBe(data.toString());
  }
  expect(await archive.getZxy(6, 0, 0)).toBeUndefined();
  expect(await archive.getMetadata()).toEqual({ name: 'many' });
});

it('makes a hill and a town', async () => {
  const [hill, town] = [open(terrainArchive()), open(basemapArchive())];
  expect((await hill.getHeader()).tileType).toBe(2);
  expect((await town.getHeader()).tileType).toBe(1);
  expect(await town.getMetadata()).toMatchObject({ attribution: 'Made-up map' });
});
