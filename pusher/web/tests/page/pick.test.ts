// What a click on the map selects, and the user's own position.
import { expect } from 'vitest';
import type { Hooks } from '../../src/hooks';
import { ground, objects } from '../../../../clients/web/tests/wire.js';
import { DESKTOP, pageTest, STEP, VIEW } from './open';

declare const window: { updraft?: Hooks };

const it = pageTest({ viewport: DESKTOP, geolocation: { latitude: 46.6, longitude: 7.9 }, permissions: ['geolocation'] });

it('selects nothing within the coverage of a receiver', async ({ page, visit }) => {
  await visit.open(`${VIEW.replace('9/', '9.5/')}&hide=aircraft,ground,thermals,trails,stations,landmarks`);
  await page.waitForFunction(() => window.updraft!.spot('receivers', 'ogn-be-1') !== undefined, undefined, STEP);
  const { x, y } = (await page.evaluate(() => window.updraft!.spot('receivers', 'ogn-be-1')))!;
  await page.mouse.click(x, y);
  await page.waitForSelector('#card h2 >> text=ogn-be-1', STEP);
  await page.waitForFunction(() => window.updraft!.shown('receivers-coverage').length > 0, undefined, STEP);
  await page.mouse.click(x - 50, y - 50);
  await page.waitForSelector('#card', { ...STEP, state: 'hidden' });
});

it('keeps a followed car in the middle', async ({ page, sky, visit }) => {
  await visit.open(`${VIEW}&device=110201`);
  await page.click('#card >> text=Follow', STEP);
  const view = () => page.evaluate(() => location.hash.split('&')[0]);
  await expect.poll(view).not.toBe(VIEW);
  sky.broadcast({ updates: { server_at_us: 0, removals: [], objects: objects({ ground: [ground({ device: 0x110201, ground_kind: 3, version: 99, latitude_e7: 469_000_000, longitude_e7: 76_000_000 })] }) } });
  await expect.poll(view).toMatch(/^#map=9\/46\.[89]\d*\/7\./);
});

it('keeps the own position on the map while the user moves', async ({ page, visit }) => {
  await visit.open();
  await page.click('button[aria-label="My position"]');
  await page.waitForFunction(() => location.hash.startsWith('#map=10.5/'), undefined, STEP);
  await page.waitForSelector('#map .here', STEP);
  const spot = () => page.$eval('#map .here', (element) => element.getBoundingClientRect().x);
  const [before, hash] = [await spot(), await page.evaluate(() => location.hash)];
  await page.context().setGeolocation({ latitude: 46.6, longitude: 7.95 });
  await expect.poll(spot).toBeGreaterThan(before + 20);
  // The map stays where it is.
  expect(await page.evaluate(() => location.hash)).toBe(hash);
});
