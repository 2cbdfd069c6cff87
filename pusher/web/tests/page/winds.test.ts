// The wind aloft: a layer that is loaded while it is on, and its bands of altitude.
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Hooks } from '../../src/hooks';
import { startSky } from '../sky.mjs';
import { axeViolations, DESKTOP, pageTest, STEP, Visit } from './open';

declare const window: { updraft?: Hooks };

const it = pageTest();

const shows = (page: Page, count: number) => page.waitForFunction((winds) => window.updraft!.shown('winds').length === winds, count, STEP);

it('draws the winds of one band while the layer is on', async ({ page, visit }) => {
  await visit.open('#map=8/46.62/7.85');
  await page.waitForFunction(() => window.updraft!.moved() > 0, undefined, STEP);
  expect(visit.requests.filter((url) => url.includes('/api/v1/winds'))).toEqual([]);
  await page.keyboard.press('l');
  await page.click('label:has([name=winds])');
  // The numbers come with the winds.
  await page.waitForSelector('[name=wind-band] option >> text=2000–2500 m (4)', { ...STEP, state: 'attached' });
  // Twelve winds in three bands; the band of 2000 m is chosen.
  await shows(page, 4);
  expect(visit.requests.filter((url) => /api\/v1\/winds\?bounds=/.test(url))).toHaveLength(1);
  await expect.poll(() => page.evaluate(() => location.hash)).toContain('hide=receivers');
  await expect.poll(() => page.$$eval('[name=wind-band] option', (options) => options.map(({ textContent }) => textContent))).toContain('0–500 m');
  await page.selectOption('[name=wind-band]', '1500');
  await page.waitForFunction(() => window.updraft!.spot('winds', 'u0m0/1500') !== undefined, undefined, STEP);
  await page.reload();
  await visit.live();
  // The choice is kept, and the link has the layer.
  await page.waitForFunction(() => window.updraft!.spot('winds', 'u0m0/1500') !== undefined, undefined, STEP);
  // A click on a wind shows what it is made of.
  await page.evaluate(() => { location.hash = 'map=8/46.62/7.85&hide=aircraft,ground,thermals,trails,stations,receivers,landmarks'; });
  await page.waitForFunction(() => window.updraft!.shown('stations').length === 0, undefined, STEP);
  const { x, y } = (await page.evaluate(() => window.updraft!.spot('winds', 'u0m3/1500')))!;
  await page.mouse.click(x, y);
  await page.waitForSelector('#card h2 >> text=Wind aloft', STEP);
  await expect.poll(() => page.textContent('#card dl')).toMatch(/Wind25 km\/hFrom260° WBase1500 mTop2000 mPilots4Confidence90 %Measured10 min ago/);
  await expect.poll(() => page.evaluate(() => location.hash)).toContain('wind=u0m3%2F1500');
  await page.keyboard.press('Escape');
  await page.keyboard.press('l');
  await page.waitForSelector('[name=wind-band] option >> text=1500–2000 m (4)', { ...STEP, state: 'attached' });
  await page.click('label:has([name=winds])');
  await shows(page, 0);
});

it('opens the wind of a link, with those above and below it', async ({ browser }) => {
  const wind = (base: number, kmh: number, minutesAgo: number, cell = 'u0m7') => ({
    wind: {
      cell, base_altitude_m: base, top_altitude_m: base + 500, wind_from_deg: 270, wind_speed_kmh: kmh, pilots: 3, confidence_pct: 80, last_seen_at_us: String((Date.now() - minutesAgo * 60_000) * 1000),
    },
    position: { latitude_deg: 46.62, longitude_deg: 7.85 },
  });
  const sky = await startSky({ count: 5, api: { '/api/v1/winds': () => ({ body: { winds: [wind(1500, 18, 10), wind(2000, 25, 5), wind(2500, 36, 20), wind(3000, 99, 1, 'u0m8')] } }) } });
  const visit = await Visit.start(browser, sky, { viewport: DESKTOP, bypassCSP: true });
  const { page } = visit;
  // The layer is off.
  await visit.open('#map=8/46.62/7.85&wind=u0m7%2F2000');
  await page.waitForSelector('#card h2 >> text=Wind aloft', STEP);
  await expect.poll(() => page.textContent('#card dl')).toMatch(/^Wind25 km\/hFrom270° WBase2000 mTop2500 m/);
  const others = await page.innerText('[data-fact="fact.otherBands"] dd');
  expect(others.split('\n')).toEqual([expect.stringMatching(/^2500–3000 m: 36 km\/h from 270° W, 20 min ago/), expect.stringMatching(/^1500–2000 m: 18 km\/h from 270° W, 10 min ago/)]);
  await expect.poll(() => page.evaluate(() => window.updraft!.shown('winds'))).toEqual([]);
  expect(await axeViolations(page)).toEqual([]);
  // With its layer the map shows the band of the link, not the one of this browser, until the user chooses another one.
  await page.evaluate(() => { location.hash = 'map=8/46.62/7.85&hide=receivers&wind=u0m8/3000'; });
  await page.waitForFunction(() => window.updraft!.spot('winds', 'u0m8/3000') !== undefined, undefined, STEP);
  await expect.poll(() => page.evaluate(() => localStorage.getItem('updraft-settings'))).toBeNull();
  await page.keyboard.press('l');
  await page.waitForSelector('[name=wind-band]', STEP);
  await expect.poll(() => page.inputValue('[name=wind-band]')).toBe('3000');
  await page.selectOption('[name=wind-band]', '1500');
  await page.waitForFunction(() => window.updraft!.spot('winds', 'u0m7/1500') !== undefined, undefined, STEP);
  await page.keyboard.press('Escape');
  // A link without a band: the one that is shown.
  await page.evaluate(() => { location.hash = 'map=8/46.62/7.85&hide=receivers&wind=u0m7'; });
  await page.waitForFunction(() => /Base1500 mTop2000 m/.test(document.querySelector('#card dl')?.textContent ?? ''), undefined, STEP);
  await visit.end();
  sky.close();
});
