// The built page in a real browser, over a simulated sky.
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { launch } from '../browser.mjs';
import { startSky } from '../sky.mjs';
import type { Hooks } from '../../src/hooks';
import { objects, removal } from '../wire';

declare const window: { updraft?: Hooks };

const VIEW = '#map=9/46.62/7.85';
const STEP = { timeout: 30_000 };

let browser: Browser;
let sky: Awaited<ReturnType<typeof startSky>>;
let page: Page;
let requests: string[];

beforeAll(async () => { browser = await launch(); });
afterAll(() => browser?.close());

beforeEach(async () => {
  sky = await startSky();
  page = await browser.newPage({ viewport: { width: 1000, height: 640 } });
  requests = [];
  page.on('request', (request) => requests.push(request.url()));
});

afterEach(async () => {
  await page.close();
  sky.close();
});

async function open(hash = VIEW): Promise<void> {
  await page.goto(sky.url + hash);
  await page.waitForFunction(() => window.updraft?.connected(), undefined, STEP);
}

it('shows what flies, moves it, and asks nobody but its own server', async () => {
  await open();
  const counts = await page.evaluate(() => window.updraft!.counts());
  expect(counts).toMatchObject({ ground: 7, thermals: 14, stations: 11, alerts: 1 });
  expect(counts.aircraft).toBeGreaterThan(80);
  await page.waitForFunction(() => window.updraft!.moved() > 200, undefined, STEP);
  const [first] = await page.evaluate(() => window.updraft!.aircraft());
  expect(first?.device).toMatch(/^[0-9A-F]{6}$/);
  expect(requests.filter((url) => /^(https?|wss?):/.test(url) && new URL(url).host !== new URL(sky.url).host)).toEqual([]);
});

it('finds a pilot by name, shows the details, and closes them again', async () => {
  await open();
  await page.waitForSelector('.row', STEP);
  await page.keyboard.press('/');
  await page.keyboard.type('urs 3');
  await page.waitForFunction(() => document.querySelectorAll('.row').length === 1, undefined, STEP);
  await page.keyboard.press('Tab');
  await page.click('.row');
  await page.waitForSelector('#card:not([hidden]) >> text=Manufacturer', STEP);
  expect(await page.textContent('#card h2')).toBe('Urs 3');
  expect(await page.textContent('#card dl')).toMatch(/Altitude\d+ m/);
  await page.keyboard.press('Escape');
  await page.waitForSelector('#card', { ...STEP, state: 'hidden' });
});

it('shows the recorded track of what is selected, and where to get it as a file', async () => {
  await open();
  expect(await page.evaluate(() => window.updraft!.track())).toEqual([]);
  await page.click('.row', STEP);
  await page.waitForFunction(() => window.updraft!.track().join() === '20,30', undefined, STEP);
  const asked = requests.find((url) => url.includes('/api/v1/track/'));
  expect(asked).toMatch(/track\/[0-9A-F]{6}\?hours=6&max_points=2000$/);
  const links = await page.$$eval('.files a', (all) => all.map((link) => [link.textContent, link.getAttribute('href')]));
  expect(links.map(([text]) => text)).toEqual(['GPX', 'IGC', 'KML']);
  expect(links[1]?.[1]).toMatch(/^\.\/api\/v1\/track\/[0-9A-F]{6}\?hours=12&format=igc$/);
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => window.updraft!.track().length === 0, undefined, STEP);
});

it('follows a pilot: the map goes along, and the view is in the address', async () => {
  await open();
  await page.click('.row', STEP);
  await page.click('text=Follow', STEP);
  await page.waitForSelector('.row.followed', STEP);
  await page.waitForFunction((start) => location.hash !== start, VIEW, STEP);
  const before = await page.evaluate(() => location.hash);
  await page.waitForFunction((start) => location.hash !== start, before, STEP);
});

it('asks for receivers once they are switched on', async () => {
  await open();
  expect(await page.isChecked('[name=receivers]')).toBe(false);
  await page.click('[aria-label=Layers]');
  const [message] = await Promise.all([sky.nextSubscribe(), page.click('label:has([name=receivers])')]);
  expect(message.kinds).toContain(5);
});

it('says what is known of a distress call, and drops it when it is over', async () => {
  await open();
  await page.waitForSelector('.beacon', STEP);
  const text = await page.textContent('[role=alert]');
  expect(text).toContain('Distress call: device 110206');
  expect(text).toContain('cannot tell whether help is on its way');
  sky.broadcast({ updates: { server_at_us: 0, objects: objects({}), removals: [removal({ object_kind: 6, record_id: '3-777', id: 'record_id', version: 9 })] } });
  await page.waitForSelector('.beacon', { ...STEP, state: 'detached' });
  expect(await page.isVisible('[role=alert]')).toBe(false);
});

it('says when data is stale, and when it is not any more', async () => {
  await open();
  sky.broadcast({ updates: { server_at_us: 0, removals: [], stale: true } });
  await page.waitForSelector('.banner.stale >> text=no fresh data', STEP);
  sky.broadcast({ updates: { server_at_us: 0, removals: [], stale: false } });
  await page.waitForSelector('.banner.stale', { ...STEP, state: 'hidden' });
});

it('keeps the picture while the connection is away, and comes back', async () => {
  await open();
  for (const socket of sky.sockets) socket.terminate();
  await page.waitForFunction(() => !window.updraft!.connected(), undefined, STEP);
  expect((await page.evaluate(() => window.updraft!.counts())).aircraft).toBeGreaterThan(80);
  await page.waitForFunction(() => window.updraft!.connected(), undefined, STEP);
});

it('says that the view is wider than what is live', async () => {
  await open('#map=3/46.6/8');
  await page.waitForSelector('.banner.hint >> text=Live within 200 km', STEP);
});
