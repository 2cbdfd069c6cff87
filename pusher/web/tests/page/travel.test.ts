// The past of the region: by link, by slider, played, and back to the live map.
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Hooks } from '../../src/hooks';
import { axeViolations, DESKTOP, pageTest, PHONE, STEP, VIEW, Visit } from './open';

declare const window: { updraft?: Hooks };
const THEN = '2026-06-01T12:00:00Z';

const it = pageTest();

const travel = (page: Page) => page.evaluate(() => window.updraft!.travel());
const drawsPast = (page: Page) => page.waitForFunction(() => {
  const drawn = window.updraft!.drawn();
  return drawn.length === 40 && drawn.every(({ device }) => device.startsWith('120B'));
}, undefined, STEP);

it('shows the time of a link, marked as the past', async ({ page, visit }) => {
  await visit.open(`${VIEW}&at=${THEN}&device=120B03`);
  await drawsPast(page);
  expect(await travel(page)).toMatchObject({ at: Date.parse(THEN), playing: false, aircraft: 40 });
  await page.waitForSelector('.status[data-state=past] >> text=Past', STEP);
  await page.waitForSelector('#card h2 >> text=Past 3', STEP);
  await expect.poll(() => page.textContent('#card dl')).toMatch(/Altitude1560 m/);
  await expect.poll(() => page.textContent('.travel-time')).toMatch(/^Jun 1, 2026, \d\d:00:00$/);
  await expect.poll(() => page.textContent('[data-tab=air] .count')).toMatch(/^[1-9]\d*$/);
  // Of the thermals those of that time.
  await page.waitForFunction(() => window.updraft!.shown('thermals-ring').length === 1, undefined, STEP);
  expect(visit.requests.find((url) => url.includes('kind=thermals'))).toMatch(/&from=2026-06-01T07:00:00.000Z&to=2026-06-01T19:00:00.000Z$/);
  // The track and its files are of that time.
  await expect.poll(() => visit.requests.some((url) => /track\/120B03\?from=2026-06-01T05:59:00Z&to=2026-06-01T18:01:00Z/.test(url))).toBe(true);
  await expect.poll(() => page.getAttribute('.files a', 'href')).toMatch(/from=2026-06-01T05:59:00Z/);
  // First a moment about the time, then what is shown next.
  const positions = visit.requests.filter((url) => /history\?bounds=/.test(url));
  expect(positions[0]).toMatch(/&from=2026-06-01T11:59:30.000Z&to=2026-06-01T12:00:30.000Z&step=5$/);
  expect(positions.some((url) => /&from=2026-06-01T12:00:30.000Z&to=[^&]+&step=5&cursor=2000$/.test(url))).toBe(true);
});

it('shows people on the ground and weather stations of that time', async ({ page, visit }) => {
  await visit.open(`${VIEW}&hide=aircraft,thermals,trails&at=${THEN}&device=120C02`);
  await page.waitForSelector('#card h2 >> text=Past walker', STEP);
  await expect.poll(() => page.textContent('#card header')).toContain('Distress call');
  await expect.poll(() => page.textContent('[data-tab=ground] .count')).toBe('2');
  await page.waitForFunction(() => window.updraft!.shown('ground').length === 2 && window.updraft!.spot('stations', 'Past station') !== undefined, undefined, STEP);
  const { x, y } = (await page.evaluate(() => window.updraft!.spot('stations', 'Past station')))!;
  await page.mouse.click(x, y);
  await page.waitForSelector('#card h2 >> text=Past station', STEP);
  await expect.poll(() => page.textContent('#card dl')).toMatch(/Wind23 km\/h.*8\.4 °C/);
  for (const kind of ['ground', 'weather']) {
    expect(visit.requests.find((url) => url.includes(`history?kind=${kind}&`))).toMatch(/&from=2026-06-01T10:00:00.000Z&to=2026-06-01T13:15:00.000Z&/);
  }
});

it('explains that the past has no winds and receivers', async ({ page, visit }) => {
  await visit.open('#map=8/46.62/7.85&hide=aircraft,trails,thermals');
  const shown = (count: { winds: number; receivers: number }) => page.waitForFunction(({ winds, receivers }) => window.updraft!.shown('winds').length === winds && window.updraft!.shown('receivers').length === receivers, count, STEP);
  await shown({ winds: 4, receivers: 6 });
  await page.evaluate((then) => { location.hash = `${location.hash}&at=${then}`; }, THEN);
  await shown({ winds: 0, receivers: 0 });
  await page.waitForSelector('#travel .live-only >> text=Only live: Wind aloft, Receivers, Landmarks.', STEP);
  // It names layers that are on.
  await page.keyboard.press('l');
  await page.click('label:has([name=landmarks])');
  await page.waitForSelector('#travel .live-only >> text=Only live: Wind aloft, Receivers.', STEP);
  await expect.poll(() => page.evaluate(() => window.updraft!.travel() !== undefined)).toBe(true);
  await page.click('#travel .live');
  await shown({ winds: 4, receivers: 6 });
  await expect.poll(() => page.textContent('#travel .live-only')).toBe('');
});

it('plays, stands still, and keeps the time in the address', async ({ page, visit }) => {
  await visit.open(`${VIEW}&at=${THEN}`);
  await drawsPast(page);
  const moved = await page.evaluate(() => window.updraft!.moved());
  await page.selectOption('#travel select', '120');
  await page.click('#travel .play');
  await page.waitForFunction((start) => window.updraft!.travel()!.at > start + 10 * 60_000, Date.parse(THEN), STEP);
  await expect.poll(() => page.evaluate(() => window.updraft!.moved())).toBeGreaterThan(moved);
  await page.waitForFunction((start) => location.hash.includes('at=') && !location.hash.includes(start), `at=${THEN}`, STEP);
  await page.keyboard.press('p');
  const still = (await travel(page))!;
  expect(still.playing).toBe(false);
  await page.waitForFunction((seconds) => location.hash.includes(seconds), `at=${new Date(still.at).toISOString().slice(0, 19)}Z`, STEP);
  await expect.poll(() => visit.requests.some((url) => url.includes('step=60'))).toBe(true);
});

it('draws the slider with the last hours at once', async ({ page, visit }) => {
  await visit.open();
  await page.evaluate(() => {
    const bar = document.querySelector('#travel')!;
    new MutationObserver((_, observer) => {
      observer.disconnect();
      const slider = bar.querySelector<HTMLInputElement>('input[type=range]')!;
      slider.value = String(Number(slider.max) - 600);
      slider.dispatchEvent(new Event('input'));
    }).observe(bar, { childList: true, subtree: true });
  });
  await page.keyboard.press('p');
  await page.waitForFunction(() => window.updraft!.travel() !== undefined, undefined, STEP);
  const agoMs = Date.now() - (await travel(page))!.at;
  expect(agoMs).toBeGreaterThan(590_000);
  expect(agoMs).toBeLessThan(660_000);
});

it('goes to a date, to a recent time, and back to live', async ({ page, visit }) => {
  await visit.open();
  await page.waitForFunction(() => window.updraft!.drawn().length > 80, undefined, STEP);
  await page.keyboard.press('p');
  await page.waitForSelector('#travel .travel-time >> text=Live', STEP);
  await page.fill('#travel input[type=datetime-local]', '2026-03-04T15:06:07');
  await drawsPast(page);
  const local = await page.evaluate(() => new Date(2026, 2, 4, 15, 6, 7).getTime());
  expect((await travel(page))!.at).toBe(local);
  await expect.poll(() => page.evaluate(() => document.body.classList.contains('past'))).toBe(true);
  await page.click('#travel .live');
  await page.waitForFunction(() => window.updraft!.drawn().length > 80, undefined, STEP);
  await expect.poll(() => page.evaluate(() => location.hash)).not.toContain('at=');

  await page.focus('#travel input[type=range]');
  await page.keyboard.press('PageDown');
  await drawsPast(page);
  const { at } = (await travel(page))!;
  expect(Date.now() - at).toBeGreaterThan(60_000);
  expect(Date.now() - at).toBeLessThan(12 * 3_600_000);
  await page.keyboard.press('n');
  await page.waitForSelector('#travel', { ...STEP, state: 'hidden' });
  await page.waitForFunction(() => window.updraft!.drawn().length > 80 && window.updraft!.travel() === undefined, undefined, STEP);
});

it('leaves the present with the first step of the slider', async ({ page, visit }) => {
  await visit.open();
  await page.keyboard.press('p');
  await page.waitForSelector('#travel .travel-time >> text=Live', STEP);
  await page.focus('#travel input[type=range]');
  await page.keyboard.press('ArrowLeft');
  await page.waitForFunction(() => window.updraft!.travel() !== undefined, undefined, STEP);
  const agoMs = Date.now() - (await travel(page))!.at;
  expect(agoMs).toBeGreaterThan(60_000);
  expect(agoMs).toBeLessThan(120_000);
  // The next one goes on from there, and the way back ends in the present.
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await page.waitForFunction(() => window.updraft!.travel() === undefined, undefined, STEP);
});

it('keeps calls for help live, and goes back to them', async ({ page, visit }) => {
  await visit.open(`${VIEW}&at=${THEN}`);
  await drawsPast(page);
  await page.waitForSelector('.alerts >> text=Distress call', STEP);
  await page.click('.alerts button >> text=Show');
  await page.waitForFunction(() => window.updraft!.travel() === undefined, undefined, STEP);
  await page.waitForSelector('#card:not([hidden])', STEP);
});

it('goes back to the present with a notification that is clicked', async ({ page, visit }) => {
  await visit.open(`${VIEW}&at=${THEN}`);
  await drawsPast(page);
  // As the service worker reports the click.
  await page.evaluate((select) => navigator.serviceWorker.dispatchEvent(new MessageEvent('message', { data: { select } })), 0x110b01);
  await page.waitForSelector('#card:not([hidden])', STEP);
  await page.waitForFunction(() => window.updraft!.travel() === undefined && location.hash.startsWith('#map=10.5/'), undefined, STEP);
});

it('breaks no rule of axe, on a phone too', async ({ browser, sky }) => {
  for (const options of [{ viewport: DESKTOP }, PHONE]) {
    const visit = await Visit.start(browser, sky, { ...options, bypassCSP: true });
    await visit.open(`${VIEW}&at=${THEN}&device=120B03`);
    await drawsPast(visit.page);
    expect(await axeViolations(visit.page)).toEqual([]);
    await visit.end();
  }
});
