// Packs the world-atlas TopoJSON for the page: land and countries, without names, gzipped.
// The page unpacks it itself, so that neither the server nor its embedding need to know about compression.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const resolve = createRequire(import.meta.url).resolve;
const out = join(dirname(fileURLToPath(import.meta.url)), '../src/basemap/data');

mkdirSync(out, { recursive: true });
for (const scale of ['50m', '10m']) {
  const target = join(out, `world-${scale}.bin`);
  if (existsSync(target)) continue;
  const world = JSON.parse(readFileSync(resolve(`world-atlas/countries-${scale}.json`), 'utf8'));
  for (const country of world.objects.countries.geometries) {
    delete country.properties;
    delete country.id;
  }
  writeFileSync(target, gzipSync(JSON.stringify(world), { level: 9 }));
}
