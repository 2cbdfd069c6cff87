// Takes pictures of the built page over a simulated sky, into screenshots/: `npm run build && npm run screenshots [name...]`.
import { mkdirSync } from 'node:fs';
import { launch } from '../tests/browser.mjs';
import { startSky } from '../tests/sky.mjs';

const DESKTOP = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
const SHOTS = {
  dark: { size: DESKTOP, hash: '#map=9.6/46.62/7.85' },
  light: { size: DESKTOP, hash: '#map=9.6/46.62/7.85', scheme: 'light' },
  close: { size: DESKTOP, hash: '#map=12.8/46.698/7.73', act: selectFirst, waitMs: 60_000 },
  wide: { size: DESKTOP, hash: '#map=6.9/46.6/8.4' },
  world: { size: DESKTOP, hash: '#map=4/46.6/8.0', scheme: 'light' },
  legend: { size: DESKTOP, hash: '#map=8.6/46.62/7.85', scheme: 'light', act: (page) => page.click('[aria-label=Legend]') },
  layers: { size: DESKTOP, hash: '#map=9/46.62/7.85', act: showReceivers },
  phone: { size: PHONE, hash: '#map=9.6/46.62/7.85' },
  phonelist: { size: PHONE, hash: '#map=9.6/46.62/7.85', scheme: 'light', act: (page) => page.click('[aria-label="List of aircraft"]') },
};

async function selectFirst(page) {
  await page.click('.row');
  await page.click('text=Follow');
  await page.waitForTimeout(5000);
}

async function showReceivers(page) {
  await page.click('[aria-label=Layers]');
  await page.click('label:has([name=receivers])');
  await page.waitForTimeout(1500);
}

const wanted = process.argv.slice(2);
const server = await startSky();
const browser = await launch();
mkdirSync('screenshots', { recursive: true });
for (const [name, { size, hash, scheme = 'dark', act, waitMs = 6000 }] of Object.entries(SHOTS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const page = await browser.newPage({ viewport: size, colorScheme: scheme, hasTouch: size === PHONE });
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) console.log(name, message.text()); });
  page.on('pageerror', (error) => console.log(name, String(error)));
  await page.goto(server.url + hash);
  await page.waitForFunction(() => window.updraft?.connected() && window.updraft.moved() > 0, undefined, { timeout: 30_000 });
  await page.waitForTimeout(waitMs);
  await act?.(page);
  await page.screenshot({ path: `screenshots/${name}.png` });
  console.log(name, JSON.stringify(await page.evaluate(() => ({ ...window.updraft.counts(), moved: window.updraft.moved() }))));
  await page.close();
}
await browser.close();
server.close();
