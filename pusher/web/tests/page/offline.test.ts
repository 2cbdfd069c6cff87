// The page as an app: it can be installed, and starts without a network from its own files and nothing else.
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Hooks } from '../../src/hooks';
import { launch } from '../browser.mjs';
import { startSky } from '../sky.mjs';
import { DESKTOP, STEP, VIEW, Visit } from './open';

declare const window: { updraft?: Hooks };

let browser: Browser;
beforeAll(async () => { browser = await launch(); });
afterAll(() => browser?.close());

const keptUrls = (context: BrowserContext) => context.pages()[0]!.evaluate(async () => {
  const names = await caches.keys();
  return (await Promise.all(names.map(async (name) => (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname)))).flat();
});

it('can be installed', async () => {
  const sky = await startSky();
  const visit = await Visit.start(browser, sky, { viewport: DESKTOP });
  await visit.open();
  const devtools = await visit.page.context().newCDPSession(visit.page);
  const manifest = await devtools.send('Page.getAppManifest');
  expect(manifest.errors).toEqual([]);
  const { installabilityErrors } = await devtools.send('Page.getInstallabilityErrors');
  // Playwright's pages are in a private window, which no browser installs from.
  expect(installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito')).toEqual([]);
  for (const { src, sizes } of JSON.parse(manifest.data!).icons as { src: string; sizes: string }[]) {
    if (sizes === 'any') continue;
    const size = await visit.page.evaluate(async (url) => {
      const image = new Image();
      image.src = url;
      await image.decode();
      return `${image.naturalWidth}x${image.naturalHeight}`;
    }, src);
    expect(size).toBe(sizes);
  }
  await visit.end();
  sky.close();
});

it('starts offline, and continues with the network', async () => {
  const sky = await startSky({ config: { center: [9, 45], zoom: 7 } });
  const visit = await Visit.start(browser, sky, { viewport: DESKTOP });
  const { page } = visit;
  const context = page.context();
  await visit.open();
  await page.click('.row', STEP);
  await page.waitForSelector('#card >> text=Manufacturer', STEP);
  await page.evaluate(async () => { await navigator.serviceWorker.ready; });
  await page.waitForFunction(() => navigator.serviceWorker.ready.then(({ active }) => active?.state === 'activated'), undefined, STEP);
  const kept = await keptUrls(context);
  expect(kept).toContain('/');
  expect(kept.filter((path) => path.includes('api') || path.includes('config'))).toEqual([]);
  expect(kept.every((path) => /^\/(assets\/.+|[\w-]+\.(svg|png|webmanifest))?$/.test(path))).toBe(true);

  const port = Number(new URL(sky.url).port);
  sky.close();
  await page.goto(sky.url);
  await page.waitForSelector('.banner.stale >> text=The server cannot be reached.', STEP);
  // The last known start of the map, on the ground that the browser kept.
  expect(new URL(page.url()).hash).toMatch(/^#map=7\/45\/9/);
  await page.waitForFunction(() => window.updraft!.shown('land').length > 0, undefined, STEP);
  const back = await startSky({ port });
  await visit.live();
  await visit.end([/ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|WebSocket|Failed to fetch|ERR_FAILED/]);
  back.close();
});

it('keeps the policy of the page where it comes from the cache', async () => {
  const sky = await startSky();
  const visit = await Visit.start(browser, sky, { viewport: DESKTOP });
  const { page } = visit;
  await visit.open(VIEW);
  await page.waitForFunction(() => navigator.serviceWorker.ready.then(({ active }) => active?.state === 'activated'), undefined, STEP);
  const policy = await page.evaluate(async () => {
    const [name] = await caches.keys();
    return (await (await caches.open(name!)).match('./'))?.headers.get('content-security-policy');
  });
  expect(policy).toMatch(/^default-src 'none'; script-src 'self';/);
  await visit.end();
  sky.close();
});
