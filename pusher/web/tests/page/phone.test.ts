// The page on a phone, in portrait and landscape.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launch } from '../browser.mjs';
import { startSky } from '../sky.mjs';
import type { Hooks } from '../../src/hooks';
import { coloursIn, PHONE, STEP, VIEW, Visit } from './open';

declare const window: { updraft?: Hooks };

/** The smallest side of a touch target (WCAG 2.5.5). */
const TOUCH_PX = 44;
/** Half of the side of a symbol, pixels. */
const SYMBOL_PX = 16;
/** A symbol, its rim and its ring have more; a bare map has one or two. */
const SYMBOL_COLOURS = 8;

let browser: Browser;
beforeAll(async () => { browser = await launch(); });
afterAll(() => browser?.close());

for (const [name, viewport] of [['upright', { width: 390, height: 844 }], ['held across', { width: 844, height: 390 }]] as const) {
  it(`${name}: the selection and its actions stay visible`, async () => {
    const sky = await startSky();
    const visit = await Visit.start(browser, sky, { ...PHONE, viewport });
    const { page } = visit;
    await visit.open('#map=9/46.62/7.85');
    await page.waitForFunction(() => window.updraft!.drawn().length > 0, undefined, STEP);
    // One line of the distress calls leaves the map its place.
    await page.waitForSelector('.alerts:not([hidden])', STEP);
    const heightOf = (selector: string) => page.$eval(selector, (element) => element.getBoundingClientRect().height);
    const full = await heightOf('.alerts');
    await page.tap('.alerts .fold');
    await expect.poll(() => page.getAttribute('.alerts .fold', 'aria-expanded')).toBe('false');
    await expect.poll(() => heightOf('.alerts')).toBeLessThan(Math.min(70, full));
    await expect.poll(() => page.$eval('.alerts', (banner) => banner.getBoundingClientRect().right <= document.querySelector('.buttons')!.getBoundingClientRect().left)).toBe(true);
    await expect.poll(() => page.getAttribute('button[aria-controls=panel]', 'aria-expanded')).toBe('false');
    await page.tap('#panel > header');
    await expect.poll(() => page.getAttribute('button[aria-controls=panel]', 'aria-expanded')).toBe('true');
    await page.waitForFunction(() => document.querySelectorAll('.rows:not([hidden]) .row').length > 0, undefined, STEP);
    await page.tap('.row >> nth=0');
    await page.waitForSelector('#card:not([hidden])', STEP);
    const device = await page.evaluate(() => new URLSearchParams(location.hash.slice(1)).get('device'));
    const boxes = () => page.evaluate((selected) => {
      const box = (selector: string) => {
        const { left, top, right, bottom } = document.querySelector(selector)!.getBoundingClientRect();
        return { left, top, right, bottom };
      };
      return { card: box('#card'), follow: box('.action.primary'), panel: box('#panel'), aircraft: window.updraft!.drawn().find((one) => one.device === selected) };
    }, device);
    // The sheet slides and the map moves: after that the aircraft is on the free part of the map.
    await page.waitForFunction((selected) => {
      const at = window.updraft!.drawn().find((one) => one.device === selected);
      const card = document.querySelector('#card')!.getBoundingClientRect();
      return at && at.x > 0 && at.x < innerWidth && at.y > 0 && at.y < innerHeight && !(at.x > card.left && at.x < card.right && at.y > card.top && at.y < card.bottom);
    }, device, STEP);
    const { card, follow, panel } = await boxes();
    expect(follow.bottom).toBeLessThan(viewport.height);
    expect(follow.top).toBeGreaterThanOrEqual(card.top);
    expect(card.bottom).toBeLessThanOrEqual(panel.top + 1);
    expect(card.bottom - card.top).toBeGreaterThan(200);
    // Every action is within the details, none is cut.
    const cut = await page.evaluate(() => {
      const card = document.querySelector('#card')!.getBoundingClientRect();
      return [...document.querySelectorAll('#card .actions > *')].filter((action) => {
        const { left, top, right, bottom } = action.getBoundingClientRect();
        return left < card.left || right > card.right || top < card.top || bottom > card.bottom;
      }).map(({ textContent }) => textContent);
    });
    expect(cut).toEqual([]);

    // It is seen there, too: nothing lies over it. The map may still move.
    await expect.poll(async () => {
      const { x, y } = (await boxes()).aircraft!;
      const symbol = { x: Math.round(x) - SYMBOL_PX, y: Math.round(y) - SYMBOL_PX, width: 2 * SYMBOL_PX, height: 2 * SYMBOL_PX };
      return await coloursIn(page, await page.screenshot({ scale: 'css', timeout: STEP.timeout }), symbol);
    }).toBeGreaterThan(SYMBOL_COLOURS);

    const small = await page.evaluate((least) => [...document.querySelectorAll<HTMLElement>('button, a[href], .toggle, input[type=search]')]
      .filter((element) => element.checkVisibility({ visibilityProperty: true }) && element.closest('#map') === null && !element.matches('.skip'))
      .map((element) => ({ name: element.className || element.textContent, ...element.getBoundingClientRect().toJSON() }))
      .filter(({ width, height }) => width < least || height < least)
      .map(({ name, width, height }) => `${name}: ${width} x ${height}`), TOUCH_PX - 0.5);
    expect(small).toEqual([]);
    await visit.end();
    sky.close();
  });
}

const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1';

it('navigates with Apple Maps on an iPhone', async () => {
  const sky = await startSky();
  const visit = await Visit.start(browser, sky, { ...PHONE, userAgent: IPHONE });
  await visit.open(`${VIEW}&device=110B00`);
  await visit.page.waitForSelector('#card:not([hidden])', STEP);
  await expect.poll(() => visit.page.getAttribute('#card a.action', 'href')).toMatch(/^maps:\/\/\?daddr=46\.\d{6},\d\.\d{6}$/);
  await visit.end();
  sky.close();
});
