// Access to the page: by keyboard, by screen reader, in other languages and units; and its size and loading time.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GROUND_AFTER_MS } from '../../src/basemap/delay';
import { launch } from '../browser.mjs';
import { startSky } from '../sky.mjs';
import type { Hooks } from '../../src/hooks';
import { axeViolations, DESKTOP, PHONE, STEP, VIEW, Visit } from './open';

declare const window: { updraft?: Hooks };

const DIST = new URL('../../dist/', import.meta.url);
const MAX_SCRIPT_KB = 350;

let browser: Browser;
beforeAll(async () => { browser = await launch(); });
afterAll(() => browser?.close());

for (const [name, options, theme] of [['on a desktop', { viewport: DESKTOP }, 'dark'], ['in the sun', { viewport: DESKTOP }, 'sunlight'], ['on a phone', PHONE, 'light']] as const) {
  it(`breaks no rule of axe ${name}`, async () => {
    const sky = await startSky();
    const visit = await Visit.start(browser, sky, { ...options, bypassCSP: true });
    const { page } = visit;
    await page.addInitScript((chosen) => localStorage.setItem('updraft-settings', JSON.stringify({ theme: chosen })), theme);
    await visit.open();
    await page.waitForSelector('.row', { ...STEP, state: 'attached' });
    const [first] = await page.evaluate(() => window.updraft!.aircraft());
    await page.evaluate((device) => { location.hash = `map=9/46.62/7.85&device=${device}`; }, first!.device);
    await page.reload();
    await visit.live();
    await page.waitForSelector('#card:not([hidden]) >> text=Manufacturer', { ...STEP, state: 'attached' });
    await page.click('button[aria-label=Settings]', STEP);
    expect(await axeViolations(page)).toEqual([]);
    await visit.end();
    sky.close();
  });
}

it('can be used by keyboard, and shows its keys', async () => {
  const sky = await startSky();
  const visit = await Visit.start(browser, sky);
  const { page } = visit;
  await visit.open();
  await page.waitForSelector('.row', STEP);
  const expanded = (label: string) => page.getAttribute(`button[aria-label=${label}]`, 'aria-expanded');
  expect(await expanded('Layers')).toBe('false');
  await page.keyboard.press('l');
  expect(await expanded('Layers')).toBe('true');
  await page.keyboard.press('Escape');
  expect(await expanded('Layers')).toBe('false');
  await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Layers');
  await page.keyboard.press('?');
  await expect.poll(() => page.textContent('#help')).toContain('Follow the selected pilot');
  await page.keyboard.press('Escape');
  await page.focus('.row');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  const name = await page.evaluate(() => document.activeElement?.querySelector('.name')?.textContent);
  await page.keyboard.press('Enter');
  await page.waitForSelector('#card:not([hidden])', STEP);
  await expect.poll(() => page.textContent('#card h2')).toBe(name);
  await page.keyboard.press('f');
  await page.waitForSelector('.row.followed', STEP);
  await page.focus('[data-tab=air]');
  await page.keyboard.press('ArrowRight');
  await expect.poll(() => page.getAttribute('[data-tab=ground]', 'aria-selected')).toBe('true');
  await visit.end();
  sky.close();
});

it('uses the language and the units of its user', async () => {
  const sky = await startSky();
  const visit = await Visit.start(browser, sky, { viewport: DESKTOP, locale: 'de-CH' });
  const { page } = visit;
  await visit.open();
  await expect.poll(() => page.textContent('[data-tab=ground]')).toContain('Am Boden');
  await expect.poll(() => page.getAttribute('html', 'lang')).toBe('de');
  await page.click('button[aria-label=Einstellungen]');
  await page.click('label:has([value=aviation])');
  await page.waitForFunction(() => /^\d+ ft$/.test(document.querySelector('.row .altitude')?.textContent ?? ''), undefined, STEP);
  await Promise.all([page.waitForNavigation(STEP), page.click('label:has([value=ru])')]);
  await visit.live();
  await expect.poll(() => page.textContent('[data-tab=ground]')).toContain('На земле');
  await page.waitForFunction(() => /^\d+ ft$/.test(document.querySelector('.row .altitude')?.textContent ?? ''), undefined, STEP);
  await visit.end();
  sky.close();
});

it('embeds the map alone, with a link to the full page', async () => {
  const sky = await startSky();
  const visit = await Visit.start(browser, sky, { viewport: { width: 600, height: 400 } });
  const { page } = visit;
  await visit.open(undefined, '?embed');
  await page.waitForFunction(() => window.updraft!.drawn().length > 0, undefined, STEP);
  await expect.poll(() => page.isVisible('#panel')).toBe(false);
  await page.waitForSelector('.alerts', STEP);
  // Without the list, calls are in the table.
  await page.click('.banner.calm', STEP);
  await page.waitForFunction(() => document.querySelectorAll('#data .data tbody tr').length === 3, undefined, STEP);
  await page.keyboard.press('Escape');
  const [full] = await Promise.all([page.context().waitForEvent('page', STEP), page.click('text=Open the full map')]);
  await full.waitForFunction(() => window.updraft?.connected(), undefined, STEP);
  expect(new URL(full.url()).search).toBe('');
  expect(full.url()).toContain('#map=9/');
  await full.waitForSelector('#panel', STEP);
  await full.close();
  await visit.end();
  sky.close();
});

it('has theme, language and state of the connection in a frame', async () => {
  const sky = await startSky();
  const visit = await Visit.start(browser, sky, { viewport: { width: 600, height: 400 }, bypassCSP: true });
  const { page } = visit;
  await visit.open(undefined, '?embed&theme=sunlight&lang=fr');
  await expect.poll(() => page.evaluate(() => ({ ...document.documentElement.dataset, lang: document.documentElement.lang, stored: localStorage.getItem('updraft-settings') })))
    .toEqual({ theme: 'light', sunlight: '', lang: 'fr', stored: null });
  await page.waitForSelector('#banners .status[data-state=live] >> text=En direct', STEP);
  expect(await axeViolations(page)).toEqual([]);
  sky.close();
  await page.waitForSelector('#banners .status[data-state=waiting] >> text=/données d\'il y a \\d+ s/', STEP);
  await visit.end([/ERR_|WebSocket|cannot be shown|Failed to fetch|fetching the script/, /^Error$/]);
});

it('says what it needs where the browser has no WebGL', async () => {
  const sky = await startSky();
  const visit = await Visit.start(browser, sky, { viewport: DESKTOP, locale: 'de-CH', bypassCSP: true });
  const { page } = visit;
  await page.addInitScript(() => {
    const { getContext } = HTMLCanvasElement.prototype;
    HTMLCanvasElement.prototype.getContext = function (this: HTMLCanvasElement, kind: string, ...rest: never[]) {
      return kind === 'webgl2' ? null : Reflect.apply(getContext, this, [kind, ...rest]);
    } as typeof getContext;
  });
  await page.goto(sky.url);
  await page.waitForSelector('main [role=alert] >> text=Sie braucht WebGL 2', STEP);
  expect(await axeViolations(page)).toEqual([]);
  await visit.end([/the map cannot be started/]);
  sky.close();
});

it('ignores an unknown theme and language in a frame', async () => {
  const sky = await startSky();
  const visit = await Visit.start(browser, sky, { viewport: DESKTOP, locale: 'de-CH', colorScheme: 'light' });
  const { page } = visit;
  // A page of another origin may have it in a frame.
  const club = createServer((_, response) => {
    response.setHeader('content-type', 'text/html').end(`<link rel="icon" href="data:,"><iframe src="${sky.url}?embed&amp;theme=neon&amp;lang=xx${VIEW}" title="Map" width="900" height="600"></iframe>`);
  });
  await new Promise<void>((resolve) => club.listen(0, '127.0.0.1', resolve));
  const clubHost = `127.0.0.1:${(club.address() as AddressInfo).port}`;
  await page.goto(`http://${clubHost}/`);
  const frame = page.frames()[1]!;
  await frame.waitForFunction(() => window.updraft?.connected(), undefined, STEP);
  await expect.poll(() => frame.evaluate(() => [document.documentElement.lang, document.documentElement.dataset.theme])).toEqual(['de', 'light']);
  await frame.waitForSelector('.banner.status', STEP);
  await visit.open(undefined, '?embed&lang=fr');
  await page.click('button[aria-label=Réglages]');
  await Promise.all([page.waitForNavigation(STEP), page.click('label:has([value=it])')]);
  await visit.live();
  await expect.poll(() => page.getAttribute('html', 'lang')).toBe('it');
  expect(new URL(page.url()).search).toBe('?embed');
  await visit.end([], [clubHost]);
  sky.close();
  club.close();
});

it('is small and loads fast', async () => {
  const assets = readdirSync(new URL('assets/', DIST));
  for (const file of assets.filter((name) => /\.(js|css)$/.test(name))) {
    expect(assets, file).toContain(`${file}.br`);
    expect(statSync(new URL(`assets/${file}.br`, DIST)).size, file).toBeLessThan(statSync(new URL(`assets/${file}`, DIST)).size);
  }
  const index = readFileSync(new URL('index.html', DIST), 'utf8');
  const scripts = [...index.matchAll(/(?:src|href)="\.\/(assets\/[^"]+\.js)"/g)].map(([, file]) => gzipSync(readFileSync(new URL(file!, DIST))).length);
  const kb = scripts.reduce((sum, bytes) => sum + bytes, 0) / 1024;
  expect(kb).toBeGreaterThan(100);
  expect(kb).toBeLessThan(MAX_SCRIPT_KB);
  const manifest = JSON.parse(readFileSync(new URL('map.webmanifest', DIST), 'utf8')) as { icons: { src: string }[] };
  expect(index).toContain('href="./map.webmanifest"');
  for (const { src } of manifest.icons) expect(statSync(new URL(src, DIST)).size).toBeGreaterThan(0);
  const sky = await startSky({ count: 1000 });
  const visit = await Visit.start(browser, sky, { viewport: DESKTOP, deviceScaleFactor: 1 });
  await visit.open();
  await visit.page.waitForFunction(() => window.updraft!.firstAircraftMs() !== undefined, undefined, STEP);
  const first = await visit.page.evaluate(() => window.updraft!.firstAircraftMs()!);
  // The base map is loaded after the aircraft, or after the time that a slow machine gets to draw them.
  const ground = await visit.page.waitForFunction(() => performance.getEntriesByType('resource').find(({ name }) => name.includes('.pmtiles'))?.startTime, undefined, STEP);
  expect(await ground.jsonValue()).toBeGreaterThan(Math.min(first, GROUND_AFTER_MS));
  console.log(`figures: ${kb.toFixed(1)} KB of scripts, gzipped, before the map's worker; first of 1000 aircraft after ${Math.round(first)} ms`);
  await visit.end();
  sky.close();
});
