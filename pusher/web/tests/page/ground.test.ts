// Base map and terrain, from archives that the test makes: a hill and a town.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { basemapArchive, hillM, terrainArchive } from '../archives.mjs';
import { aircraft, objects } from '../../../../clients/web/tests/wire.js';
import { launch } from '../browser.mjs';
import { startSky } from '../sky.mjs';
import type { Hooks } from '../../src/hooks';
import { placeLater, STEP, Visit } from './open';

declare const window: { updraft?: Hooks };

const FILES = { '/map/basemap.pmtiles': basemapArchive(), '/map/terrain.pmtiles': terrainArchive() };
const CONFIG = { basemap: './map/basemap.pmtiles?v=1', terrain: { url: './map/terrain.pmtiles?v=1', encoding: 'terrarium' } };
/** Shading a hill without a graphics card takes long. */
const SMALL = { viewport: { width: 900, height: 520 } };
/** Raising it takes longer still. */
const RAISING = { timeout: 180_000 };
const TOP = { lat: 46.62, lon: 7.85 };

let browser: Browser;
beforeAll(async () => { browser = await launch(); });
afterAll(() => browser?.close());

it('shows the base map, the terrain and heights above ground', async () => {
  const sky = await startSky({ config: CONFIG, files: FILES });
  const visit = await Visit.start(browser, sky, SMALL);
  const { page } = visit;
  await visit.open('#map=11/46.62/7.85');
  await page.waitForFunction(({ lat, lon }) => window.updraft!.elevationAt(lat, lon) !== undefined, TOP, STEP);
  const top = await page.evaluate(({ lat, lon }) => window.updraft!.elevationAt(lat, lon)!, TOP);
  expect(top).toBeGreaterThan(2780);
  expect(top).toBeLessThan(2801);
  await expect.poll(() => page.evaluate(() => window.updraft!.elevationAt(20, 20))).toBeUndefined();

  await page.click('.row', STEP);
  await page.waitForSelector('[data-fact="fact.agl"]', STEP);
  const [device] = (await page.evaluate(() => location.hash)).match(/(?<=device=)[0-9A-F]{6}/)!;
  const { agl, altitude, lat, lon } = await page.evaluate((selected) => {
    const number = (fact: string) => parseInt(document.querySelector(`[data-fact="${fact}"] dd`)!.textContent!, 10);
    const { lat, lon } = window.updraft!.aircraft().find((one) => one.device === selected)!;
    return { agl: number('fact.agl'), altitude: number('fact.altitude'), lat, lon };
  }, device);
  // The pilot moves between two updates of the panel.
  expect(Math.abs(altitude - agl - hillM(lat, lon))).toBeLessThan(60);
  await expect.poll(() => page.textContent('.row .detail')).toMatch(/m AGL/);
  await page.waitForFunction(() => window.updraft!.shown('contours').length > 5, undefined, STEP);
  const levels = await page.evaluate(() => window.updraft!.shown('contours').map((metres) => Number(metres)));
  expect(levels.every((metres) => metres % 200 === 0 && metres > 600 && metres < 2800)).toBe(true);
  await expect.poll(() => page.textContent('.maplibregl-ctrl-attrib-inner')).toMatch(/Made-up map.*Made-up terrain|Made-up terrain.*Made-up map/);
  await page.keyboard.press('Escape');
  await page.evaluate(() => { location.hash = 'map=10/46.52/7.9'; });
  await page.waitForFunction(() => window.updraft!.shown('base-places').includes('Probestadt'), undefined, STEP);

  // The relief can be switched off; heights stay known.
  await page.click('button[aria-label=Layers]');
  await page.click('label:has([name=relief])');
  await page.waitForFunction(() => window.updraft!.shown('contours').length === 0, undefined, STEP);
  await expect.poll(() => page.evaluate(() => location.hash)).toContain('hide=winds,receivers,relief');
  await expect.poll(() => page.evaluate(({ lat, lon }) => window.updraft!.elevationAt(lat, lon), TOP)).toBeGreaterThan(2780);
  await page.click('label:has([name=relief])');
  await page.click('button[aria-label=Layers]');

  // The outline is one click away, and the choice is kept.
  await page.click('button[aria-label=Layers]');
  await page.click('label:has([name=base][value=outline])');
  await page.waitForFunction(() => window.updraft!.shown('base-places').length === 0, undefined, STEP);
  await page.reload();
  await visit.live();
  await page.click('button[aria-label=Layers]');
  await expect.poll(() => page.isChecked('[name=base][value=outline]')).toBe(true);
  await visit.end();
  sky.close();
});

it('shows the outline where the style cannot be loaded, and says so', async () => {
  const sky = await startSky({ config: { style: './map/none.json' } });
  const visit = await Visit.start(browser, sky, SMALL);
  const { page } = visit;
  await visit.open();
  await page.waitForSelector('.banner.hint >> text=The online map cannot be loaded now', STEP);
  await page.waitForFunction(() => window.updraft!.shown('land').length > 0 && window.updraft!.shown('ground').length > 0, undefined, STEP);
  await visit.end([/404|style cannot be loaded/]);
  sky.close();
});

it('keeps the relief off that is switched off while a style is loaded', async () => {
  let loading = Promise.resolve();
  const style = { version: 8, sources: {}, layers: [{ id: 'water', type: 'background', paint: { 'background-color': '#336699' } }] };
  const sky = await startSky({ config: { ...CONFIG, style: './map/style.json' }, files: FILES, api: { '/map/style.json': () => loading.then(() => ({ body: style })) } });
  const visit = await Visit.start(browser, sky, SMALL);
  const { page } = visit;
  await page.addInitScript(() => localStorage.setItem('updraft-settings', JSON.stringify({ baseMap: 'style' })));
  await visit.open('#map=11/46.62/7.85');
  await page.waitForFunction(() => window.updraft!.shown('contours').length > 5, undefined, STEP);
  let load = (): void => {};
  loading = new Promise((resolve) => { load = resolve; });
  await page.keyboard.press('t');
  await expect.poll(() => visit.requests.filter((url) => url.endsWith('/map/style.json')).length).toBe(2);
  await page.click('button[aria-label=Layers]');
  await page.click('label:has([name=relief])');
  load();
  await page.waitForFunction(() => window.updraft!.loaded('terrain') && window.updraft!.shown('ground').length > 0, undefined, STEP);
  // Long enough to draw contour lines.
  await placeLater(page);
  expect(await page.evaluate(() => window.updraft!.shown('contours'))).toEqual([]);
  await visit.end();
  sky.close();
});

it('raises the terrain by link, and lays it flat by key', async () => {
  const sky = await startSky({ count: 6, stepMs: 4000, config: CONFIG, files: FILES });
  const visit = await Visit.start(browser, sky, { viewport: { width: 420, height: 320 }, reducedMotion: 'reduce' });
  const { page } = visit;
  await visit.open('#map=11/46.62/7.85/0/60&terrain=3d');
  // A little higher than it is.
  await page.waitForFunction(({ lat, lon }) => (window.updraft!.raisedAt(lat, lon) ?? 0) > 2700, TOP, RAISING);
  await expect.poll(() => page.evaluate(({ lat, lon }) => window.updraft!.raisedAt(lat, lon), TOP)).toBeLessThan(2800 * 1.3);
  const pressed = () => page.getAttribute('button[aria-label="Terrain in 3D"]', 'aria-pressed');
  expect(await pressed()).toBe('true');
  // An aircraft is at its altitude, with a line to the ground.
  const high = aircraft({ device: 0x110c01, version: 2000, latitude_e7: 466_200_000, longitude_e7: 78_500_000, altitude_m: 4500, speed_dkmh: 0 });
  sky.broadcast({ updates: { server_at_us: Date.now() * 1000, removals: [], objects: objects({ aircraft: [high] }) } });
  const height = (above: number) => page.waitForFunction((least) => {
    const [ground, symbol] = [window.updraft!.drawn(), window.updraft!.painted()].map((all) => all.find(({ device }) => device === '110C01'));
    return ground && symbol && (least > 0 ? ground.y - symbol.y > least : Math.abs(ground.y - symbol.y) < 1);
  }, above, RAISING);
  await height(30);
  await page.keyboard.press('3');
  await page.waitForFunction(({ lat, lon }) => window.updraft!.raisedAt(lat, lon) === undefined && /map=11\/[^/]*\/[\d.]*$/.test(location.hash), TOP, RAISING);
  expect(await pressed()).toBe('false');
  await height(0);
  await visit.end();
  sky.close();
}, 480_000);

it('offers no terrain in 3D where the server has no terrain', async () => {
  const sky = await startSky({ count: 5 });
  const visit = await Visit.start(browser, sky, SMALL);
  await visit.open('#map=11/46.62/7.85&terrain=3d');
  await visit.page.keyboard.press('3');
  await visit.page.waitForFunction(() => window.updraft!.moved() > 0, undefined, STEP);
  await expect.poll(() => visit.page.evaluate(() => window.updraft!.raisedAt(46.62, 7.85))).toBeUndefined();
  expect(await visit.page.$$('button[aria-label="Terrain in 3D"]')).toHaveLength(0);
  await visit.end();
  sky.close();
});

it('keeps the outline where an archive cannot be read', async () => {
  const sky = await startSky({ config: CONFIG });
  const visit = await Visit.start(browser, sky, SMALL);
  await visit.open();
  await visit.page.waitForFunction(() => window.updraft!.shown('land').length > 0, undefined, STEP);
  await visit.page.waitForFunction(() => window.updraft!.moved() > 200, undefined, STEP);
  await visit.end([/404|cannot be read|Bad response/]);
  sky.close();
});
