// Pictures of the main views, in screenshots/: for those who look at a change of the page. The sky and the mountains are made up.
import { mkdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mountainsM } from '../../scripts/mountains.mjs';
import { terrainArchive } from '../archives.mjs';
import { launch } from '../browser.mjs';
import { startSky } from '../sky.mjs';
import type { Hooks } from '../../src/hooks';
import { coloursIn, PHONE, STEP, Visit, type Box, type SkyServer } from './open';

declare const window: { updraft?: Hooks };

const FOLDER = new URL('../../screenshots/', import.meta.url);
const SIZE = { viewport: { width: 1200, height: 720 }, deviceScaleFactor: 1 };
const UPRIGHT = { ...PHONE, deviceScaleFactor: 1 };
const ACROSS = { ...UPRIGHT, viewport: { width: 844, height: 390 } };
const CONFIG = { terrain: { url: './map/terrain.pmtiles?v=1', encoding: 'terrarium' } };
const VALLEY = '#map=9.7/46.65/7.85';
/** A picture in which nothing is drawn is smaller. */
const LEAST_BYTES = 25_000;
/** Shaded mountains have more. */
const LEAST_COLOURS = 200;
/** Shading mountains without a graphics card. */
const DRAWING = { timeout: 120_000 };

interface Shot {
  options?: BrowserContextOptions;
  theme?: 'dark' | 'light';
  hash?: string;
  /** Makes the view, and waits until it is there. */
  act?: (page: Page) => Promise<unknown>;
  /** Where the map is seen, pixels. */
  free?: Box;
}

const select = async (page: Page) => {
  await page.click('.row >> nth=2');
  await page.waitForSelector('.profile .climbs path', { ...STEP, state: 'attached' });
  await page.waitForSelector('[data-fact="fact.agl"]', { ...STEP, state: 'attached' });
};
const tapRow = async (page: Page) => {
  await page.tap('#panel > header');
  await page.waitForSelector('.rows:not([hidden]) .row', STEP);
  await page.tap('.row >> nth=2');
  await page.waitForSelector('#card:not([hidden])', STEP);
};
const sheet = (key: string, ready: string) => async (page: Page) => {
  await page.keyboard.press(key);
  await page.waitForSelector(ready, STEP);
};

const SHOTS: Record<string, Shot> = {
  live: { act: select },
  close: { hash: '#map=12.4/46.68/7.75' },
  wind: {
    hash: '#map=9/46.75/7.6&hide=aircraft,trails,thermals',
    act: async (page) => {
      await page.click('button[aria-label=Layers]');
      await page.waitForSelector('#layers [name=wind-band]', STEP);
      await page.waitForFunction(() => window.updraft!.shown('winds').length > 1, undefined, STEP);
    },
  },
  group: { theme: 'light', hash: `${VALLEY}&group=110B00,110B01,110B02,110B03&group-title=Task%201`, act: sheet('g', '#group .members li') },
  past: { hash: `${VALLEY}&at=2026-06-01T12:00:00Z&device=120B03`, act: (page) => page.waitForFunction(() => window.updraft!.travel() !== undefined && window.updraft!.drawn().length === 40, undefined, STEP) },
  silent: { act: sheet('u', '#silent tbody tr') },
  table: { theme: 'light', act: sheet('d', '#data .data tbody tr') },
  phone: { options: UPRIGHT, act: tapRow, free: { x: 20, y: 220, width: 280, height: 170 } },
  'phone-across': { options: ACROSS, act: tapRow },
};

let browser: Browser;
let sky: SkyServer;
beforeAll(async () => {
  mkdirSync(FOLDER, { recursive: true });
  browser = await launch();
  const terrain = terrainArchive({ heightM: mountainsM, zooms: [7, 8, 9], bounds: [7.2, 46.3, 8.6, 47] });
  sky = await startSky({ config: CONFIG, files: { '/map/terrain.pmtiles': terrain }, stepMs: 2000 });
}, 240_000);
afterAll(async () => {
  sky?.close();
  await browser?.close();
});

for (const [name, { options = SIZE, theme = 'dark', hash = VALLEY, act, free }] of Object.entries(SHOTS)) {
  it(name, async () => {
    const visit = await Visit.start(browser, sky, options);
    const { page } = visit;
    await page.addInitScript((chosen) => localStorage.setItem('updraft-settings', JSON.stringify({ theme: chosen, zone: 'utc' })), theme);
    await visit.open(hash);
    await page.waitForSelector('.row', { ...STEP, state: 'attached' });
    await page.waitForFunction(() => window.updraft!.elevationAt(46.65, 7.85) !== undefined, undefined, DRAWING);
    await act?.(page);
    // The map rests, and is drawn again after the last change.
    await page.waitForFunction(() => window.updraft!.loaded('terrain') && window.updraft!.loaded('outline'), undefined, DRAWING);
    const frames = await page.evaluate(() => window.updraft!.frames());
    await page.waitForFunction((before) => window.updraft!.frames() > before + 2 && window.updraft!.loaded('terrain'), frames, DRAWING);
    const path = fileURLToPath(new URL(`${name}.png`, FOLDER));
    const picture = await page.screenshot({ path, timeout: DRAWING.timeout });
    expect(statSync(path).size).toBeGreaterThan(LEAST_BYTES);
    if (free) expect(await coloursIn(page, picture, free)).toBeGreaterThan(LEAST_COLOURS);
    await visit.end();
  });
}
