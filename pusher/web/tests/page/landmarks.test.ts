// Landmarks: what devices broadcast for the map, and the text that a pilot has sent.
import { expect } from 'vitest';
import type { Hooks } from '../../src/hooks';
import { pageTest, STEP } from './open';

declare const window: { updraft?: Hooks };

const it = pageTest();

it('shows landmarks with their outlines, and who broadcasts them', async ({ page, visit }) => {
  await visit.open('#map=10/46.66/7.85');
  await page.waitForFunction(() => window.updraft!.counts().landmarks === 3 && window.updraft!.shown('landmarks').length === 3, undefined, STEP);
  await page.waitForFunction(() => window.updraft!.shown('landmarks-area').length > 0, undefined, STEP);
  const spot = (await page.evaluate(() => window.updraft!.spot('landmarks', 'Cable across the valley')))!;
  await page.mouse.click(spot.x, spot.y);
  await page.waitForSelector('#card:not([hidden]) >> text=Cable across the valley', STEP);
  const text = await page.textContent('#card');
  expect(text).toContain('Warning');
  expect(text).toContain('Niederhorn (080100)');
});

it('shows the text that a pilot has sent', async ({ page, visit, sky }) => {
  sky.sky.say(0, 'Landing at the lake');
  await visit.open('#map=9/46.76/8.6&device=110B00');
  await page.waitForSelector('#card:not([hidden]) >> text=Landing at the lake', STEP);
  // The list shows it while it is new.
  await page.keyboard.press('/');
  await page.keyboard.type('110b00');
  await page.waitForSelector('.row >> text=/^✉ Landing at the lake/', STEP);
});
