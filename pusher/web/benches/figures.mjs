// Figures of the map page in a browser, as lines `bench: NAME VALUE UNIT`. After `npm run build`: `node benches/figures.mjs`.
// The sky is simulated (tests/sky.mjs); Chromium draws without a graphics card, in a process of its own: the main thread's share is without it.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { encodeServerMessage } from '../../../clients/web/tests/encode.mjs';
import { launch } from '../tests/browser.mjs';
import { startSky } from '../tests/sky.mjs';
import { quantile, seek, VIEWPORT } from './seek.mjs';

const DIST = new URL('../dist/', import.meta.url);
const CLIENT = fileURLToPath(new URL('../../../clients/web/src/index.ts', import.meta.url));
/** Aircraft that move once a second, and how long they are watched, seconds. */
const MANY = 5000, WATCHED_S = 20;
const UPDATES = 1000, ROUNDS = 50;

const print = (name, value, unit) => console.log(`bench: ${name} ${value} ${unit}`);
const median = (values) => quantile(values, 0.5);

function scripts() {
  const index = readFileSync(new URL('index.html', DIST), 'utf8');
  const bytes = [...index.matchAll(/(?:src|href)="\.\/(assets\/[^"]+\.js)"/g)].map(([, file]) => gzipSync(readFileSync(new URL(file, DIST))).length);
  print('map_scripts_kb', (bytes.reduce((sum, size) => sum + size, 0) / 1024).toFixed(1), 'KB');
}

/** From navigation until the first of 1,000 aircraft is on the screen. */
async function firstAircraft(browser) {
  const sky = await startSky({ count: 1000 });
  const times = [];
  for (let round = 0; round < 5; round++) {
    const page = await browser.newPage({ viewport: VIEWPORT });
    await page.goto(`${sky.url}#map=9/46.62/7.85`);
    await page.waitForFunction(() => window.updraft?.firstAircraftMs() !== undefined, undefined, { timeout: 60_000 });
    times.push(await page.evaluate(() => window.updraft.firstAircraftMs()));
    await page.close();
  }
  sky.close();
  print('map_first_aircraft_ms', median(times).toFixed(0), 'ms');
}

/** From a click on the slider of the past until its aircraft are on the screen, in a part of the past that is not loaded yet; the server is simulated (`benches/seek.mjs`: a real one). */
async function seekOfSky(browser) {
  const sky = await startSky({ count: 1000 });
  const { times } = await seek(browser, sky.url);
  sky.close();
  print('map_seek_ms', quantile(times, 0.5).toFixed(0), 'ms');
}

/** Decoding a batch of updates and storing it in the air picture, in the browser. */
async function decodeAndStore(browser) {
  const { output } = (await build({ configFile: false, logLevel: 'error', build: { write: false, lib: { entry: CLIENT, formats: ['iife'], name: 'client' } } }))[0];
  const sky = await startSky({ count: UPDATES, stepMs: 3600_000 });
  const batches = Array.from({ length: ROUNDS }, () => {
    sky.sky.step();
    const none = { ground: [], thermals: [], stations: [], receivers: [], alerts: [], landmarks: [] };
    return [...encodeServerMessage({ updates: { server_at_us: Date.now() * 1000, objects: { aircraft: sky.sky.aircraft(false).slice(0, UPDATES), ...none }, removals: [] } })];
  });
  sky.close();
  const page = await browser.newPage();
  await page.addScriptTag({ content: output[0].code });
  const times = await page.evaluate((batches) => {
    const picture = new window.client.AirPicture();
    return batches.map((bytes) => {
      const message = new Uint8Array(bytes);
      const began = performance.now();
      picture.put(window.client.decode(message.buffer).updates.objects, { now: Date.now(), connection: 1 });
      return performance.now() - began;
    });
  }, batches);
  await page.close();
  print('map_decode_1000_updates_first_ms', times[0].toFixed(2), 'ms');
  print('map_decode_1000_updates_ms', median(times).toFixed(2), 'ms');
}

/** The share of the time in which the main thread runs our code, MapLibre's, or collects garbage; without waiting for what draws. */
function scriptShare({ nodes, samples, timeDeltas }) {
  const outside = new Set(nodes.filter(({ callFrame }) => ['(program)', '(idle)', '(root)'].includes(callFrame.functionName)).map(({ id }) => id));
  const all = timeDeltas.reduce((sum, us) => sum + us, 0);
  return (100 * samples.reduce((sum, id, i) => sum + (outside.has(id) ? 0 : timeDeltas[i]), 0)) / all;
}

/** What many moving aircraft cost the main thread: by scripts, and with its waits for the process that draws, which has no graphics card here. */
async function busy(browser) {
  const sky = await startSky({ count: MANY });
  const page = await browser.newPage({ viewport: VIEWPORT });
  await page.goto(`${sky.url}#map=8.5/46.62/7.85`);
  await page.waitForFunction(() => window.updraft?.moved() > 5000, undefined, { timeout: 120_000 });
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable', { timeDomain: 'timeTicks' });
  const metrics = async () => Object.fromEntries((await cdp.send('Performance.getMetrics')).metrics.map(({ name, value }) => [name, value]));
  await page.waitForTimeout(5000);
  await cdp.send('Profiler.enable');
  await cdp.send('Profiler.start');
  const [before, moved] = [await metrics(), await page.evaluate(() => window.updraft.moved())];
  await page.waitForTimeout(WATCHED_S * 1000);
  const [after, movedAfter] = [await metrics(), await page.evaluate(() => window.updraft.moved())];
  const { profile } = await cdp.send('Profiler.stop');
  const seconds = after.Timestamp - before.Timestamp;
  print('map_5000_aircraft_script_pct', scriptShare(profile).toFixed(1), '%');
  print('map_5000_aircraft_main_thread_pct', ((100 * (after.TaskDuration - before.TaskDuration)) / seconds).toFixed(1), '%');
  print('map_5000_aircraft_moves_per_second', ((movedAfter - moved) / seconds).toFixed(0), 'moves/s');
  await page.close();
  sky.close();
}

scripts();
const browser = await launch();
try {
  await firstAircraft(browser);
  await seekOfSky(browser);
  await decodeAndStore(browser);
  await busy(browser);
} finally {
  await browser.close();
}
