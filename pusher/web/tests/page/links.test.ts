// Links: to each kind of object and to a flight, and opened in a tab that shows the map already.
import { expect } from 'vitest';
import type { Hooks } from '../../src/hooks';
import { DESKTOP, pageTest, STEP, VIEW } from './open';

declare const window: { updraft?: Hooks };

const it = pageTest({ viewport: DESKTOP });

it('takes over a link that is opened in this tab', async ({ page, visit }) => {
  await visit.open(`${VIEW}&device=110B00&filter=climbing`);
  await page.waitForSelector('#card:not([hidden])', STEP);
  await page.evaluate(() => { location.hash = 'map=9/46.6/7.9&device=110B01&follow=110B01&hide=thermals,receivers,winds&group=110B02&at=2026-06-01T12:00:00Z'; });
  await page.waitForFunction(() => window.updraft!.travel() !== undefined, undefined, STEP);
  await page.waitForFunction(() => location.hash.includes('device=110B01') && location.hash.includes('at='), undefined, STEP);
  const hash = await page.evaluate(() => location.hash);
  expect(hash).toMatch(/follow=110B01&hide=.*thermals.*&group=110B02&at=2026-06-01T12:00:00Z$/);
  await page.evaluate(() => { location.hash = 'map=9/46.6/7.9&station=080103'; });
  await page.waitForSelector('#card h2 >> text=Niesen', STEP);
  await page.waitForFunction(() => window.updraft!.travel() === undefined && window.updraft!.shown('thermals-ring').length > 0, undefined, STEP);
  await page.waitForFunction(() => !/follow=|hide=|group=|at=/.test(location.hash) && location.hash.includes('station=080103'), undefined, STEP);
  // The link to a station opens it.
  await page.reload();
  await visit.live();
  await page.waitForSelector('#card h2 >> text=Niesen', STEP);
});

it('opens a link while the state is being written', async ({ page, visit }) => {
  await visit.open(`${VIEW}&device=110B00`);
  await page.waitForSelector('#card:not([hidden])', STEP);
  // What a timer does that runs between the click on a link and the event of it.
  await page.evaluate(() => {
    const before = location.hash;
    location.hash = 'map=9/10/10&device=110B01';
    history.replaceState(history.state, '', before);
  });
  await page.waitForFunction(() => /map=9\/10\/10&device=110B01$/.test(location.hash), undefined, STEP);
});

it('keeps its state when the user skips to the list', async ({ page, visit }) => {
  await visit.open(`${VIEW}&device=110B00&group=110B02`);
  await page.waitForSelector('#card:not([hidden])', STEP);
  await page.focus('.skip');
  await page.keyboard.press('Enter');
  await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe('list');
  await expect.poll(() => page.evaluate(() => location.hash)).toMatch(/^#map=9.*device=110B00&group=110B02$/);
});

it('moves to a chosen flight, and has it in the link', async ({ page, visit }) => {
  await visit.open('#map=8/47/9&device=110B00');
  await page.click('.flights summary', STEP);
  await page.click('.flight >> nth=0');
  // Its track begins at 46.6 N 7.8 E.
  await page.waitForFunction(() => /map=10\.5\/46\.[56]\d*\/7\.[789]/.test(location.hash), undefined, STEP);
  await expect.poll(() => page.evaluate(() => location.hash)).toMatch(/device=110B00&flight=[\d-]+T[\d:]+Z\/[\d-]+T[\d:]+Z/);
  await page.reload();
  await visit.live();
  await page.click('.flights summary', STEP);
  await page.waitForSelector('.flight[aria-pressed=true] >> text=41.2 km', STEP);
  await page.click('.flight[aria-pressed=true]');
  await page.waitForFunction(() => !location.hash.includes('flight='), undefined, STEP);
});

it('has keys of every keyboard, unless they are switched off', async ({ page, visit }) => {
  await visit.open();
  const press = (key: string, code: string) => page.evaluate(([name, place]) => {
    document.body.dispatchEvent(new KeyboardEvent('keydown', { key: name!, code: place!, bubbles: true }));
  }, [key, code]);
  await press('ы', 'KeyS');
  await page.waitForSelector('#settings [name=keys]', { ...STEP, state: 'attached' });
  await page.click('label:has([name=keys])');
  await press('l', 'KeyL');
  await page.keyboard.press('Escape');
  await page.waitForSelector('#settings', { ...STEP, state: 'hidden' });
  await expect.poll(() => page.isVisible('#layers')).toBe(false);
});
