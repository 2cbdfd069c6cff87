// Takes the README's picture: `updraft` flies simulated pilots over made-up mountains, and Chromium opens its map.
// `node scripts/picture.mjs FILE`, after `cargo build -p standalone`; it takes three minutes.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { terrainArchive } from '../tests/archives.mjs';
import { launch } from '../tests/browser.mjs';
import { mountainsM } from './mountains.mjs';

const TARGET = new URL('../../../target/', import.meta.url);
/** Made once: a minute of work. */
const TERRAIN = fileURLToPath(new URL('picture/mountains.pmtiles', TARGET));
const GROUND = { heightM: mountainsM, zooms: [7, 8, 9, 10, 11], bounds: [7.2, 46.3, 8.6, 47.0] };
/** The first pilots have climbed, and their trails are long. */
const FLIGHT_MS = 90_000;
/** Hillshade without a graphics card. */
const DRAWING_MS = 45_000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

mkdirSync(new URL('picture/', TARGET), { recursive: true });
if (!existsSync(TERRAIN)) writeFileSync(TERRAIN, terrainArchive(GROUND));
const [http, mqtt, admin] = [await freePort(), await freePort(), await freePort()].map((port) => `127.0.0.1:${port}`);
const updraft = spawn(fileURLToPath(new URL('debug/updraft', TARGET)), ['--pilots', '60', '--http-listen', http, '--mqtt-listen', mqtt, '--admin-listen', admin], { env: { ...process.env, UPDRAFT_PUSHER_TERRAIN: TERRAIN }, stdio: ['ignore', 'ignore', 'inherit'] });
const browser = await launch();
try {
  await pause(FLIGHT_MS);
  const page = await browser.newPage({ viewport: { width: 1440, height: 820 }, colorScheme: 'light' });
  await page.goto(`http://${http}/#map=10.2/46.63/7.9`);
  await page.waitForFunction(() => window.updraft?.connected() && window.updraft.moved() > 0, undefined, { timeout: 60_000 });
  await pause(DRAWING_MS);
  await page.screenshot({ path: process.argv[2], quality: 88 });
} finally {
  await browser.close();
  updraft.kill();
}
