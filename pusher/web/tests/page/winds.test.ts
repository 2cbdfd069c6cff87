// The wind aloft: a layer that is loaded while it is on, and its bands of altitude.
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Hooks } from '../../src/hooks';
import { pageTest, STEP } from './open';

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
  expect(await page.evaluate(() => location.hash)).toContain('hide=receivers');
  expect(await page.$$eval('[name=wind-band] option', (options) => options.map(({ textContent }) => textContent))).toContain('0–500 m');
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
  expect(await page.textContent('#card dl')).toMatch(/Wind25 km\/hFrom260° WBase1500 mTop2000 mPilots4Confidence90 %Measured10 min ago/);
  expect(await page.evaluate(() => location.hash)).toContain('wind=u0m3%2F1500');
  await page.keyboard.press('Escape');
  await page.keyboard.press('l');
  await page.waitForSelector('[name=wind-band] option >> text=1500–2000 m (4)', { ...STEP, state: 'attached' });
  await page.click('label:has([name=winds])');
  await shows(page, 0);
});
