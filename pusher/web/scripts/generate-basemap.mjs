// Cuts the outline of the world (land and borders between countries, Natural Earth at 1 : 10 million) into vector tiles, one
// archive for the page. A browser reads the few tiles that it shows, already cut and simplified.
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GeoJSONVT } from '@maplibre/geojson-vt';
import { fromGeojsonVt } from '@maplibre/vt-pbf';
import { feature, mesh } from 'topojson-client';
import { TILE_TYPE, writePmtiles } from './pmtiles-writer.mjs';

/** At this zoom one unit of a tile is some 300 m, below the accuracy of the source; closer views stretch these tiles. */
const MAX_ZOOM = 5;
const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, '../src/basemap/data');
const target = join(out, 'world.pmtiles');

const isNewer = existsSync(target)
  && ['generate-basemap.mjs', 'pmtiles-writer.mjs'].every((script) => statSync(target).mtimeMs > statSync(join(here, script)).mtimeMs);
if (!isNewer) {
  const world = JSON.parse(readFileSync(createRequire(import.meta.url).resolve('world-atlas/countries-10m.json'), 'utf8'));
  const { land, countries } = world.objects;
  const cut = (data) => new GeoJSONVT(data, { maxZoom: MAX_ZOOM, indexMaxZoom: MAX_ZOOM, indexMaxPoints: 0, tolerance: 4, buffer: 64 });
  const layers = { land: cut(feature(world, land)), borders: cut({ type: 'Feature', properties: {}, geometry: mesh(world, countries, (a, b) => a !== b) }) };
  const tiles = [];
  for (let z = 0; z <= MAX_ZOOM; z++) {
    for (let x = 0; x < 2 ** z; x++) {
      for (let y = 0; y < 2 ** z; y++) {
        const filled = Object.entries(layers).map(([name, index]) => [name, index.getTile(z, x, y)]).filter(([, tile]) => tile?.features.length);
        if (filled.length > 0) tiles.push({ z, x, y, data: fromGeojsonVt(Object.fromEntries(filled), { version: 2 }) });
      }
    }
  }
  mkdirSync(out, { recursive: true });
  writeFileSync(target, writePmtiles(tiles, {
    tileType: TILE_TYPE.mvt,
    metadata: { name: 'World outline', attribution: 'Made with Natural Earth', vector_layers: Object.keys(layers).map((id) => ({ id, fields: {} })) },
  }));
}
