// Views and settings that the account keeps: saved, shown, removed, and what is said where the server refuses.
import type { IncomingMessage } from 'node:http';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launch } from '../browser.mjs';
import { startSky, type Answer } from '../sky.mjs';
import type { Hooks } from '../../src/hooks';
import type { Kept } from '../../src/views/saved-views';
import { axeViolations, DESKTOP, STEP, VIEW, Visit } from './open';

declare const window: { updraft?: Hooks };

let browser: Browser;
beforeAll(async () => { browser = await launch(); });
afterAll(() => browser?.close());

/** A server that keeps what a person saves. */
async function stage(kept: Kept) {
  const server = { kept, refusal: undefined as Answer | undefined, credentials: [] as (string | undefined)[] };
  const me = async (request: IncomingMessage): Promise<Answer> => {
    server.credentials.push(request.headers.authorization);
    if (request.method === 'GET') return { body: { subject: 'ada', roles: [], scopes: [], server_time: new Date().toISOString(), ...server.kept } };
    if (server.refusal) return server.refusal;
    let text = '';
    for await (const part of request) text += String(part);
    server.kept = JSON.parse(text) as Kept;
    return { body: {} };
  };
  const sky = await startSky({ api: { '/api/v1/sign-in': () => ({ body: { status: 'unavailable', server_time: new Date().toISOString() } }), '/api/v1/me': me } });
  const visit = await Visit.start(browser, sky, { viewport: DESKTOP, bypassCSP: true });
  await visit.page.addInitScript(() => sessionStorage.setItem('updraft-tokens', JSON.stringify({ access: 'token-of-ada' })));
  const end = async (expected?: RegExp[]) => {
    await visit.end(expected);
    sky.close();
  };
  return { server, visit, page: visit.page, end };
}

const zoomOf = (page: Page) => page.evaluate(() => Number(/map=([\d.]+)/.exec(location.hash)![1]));
const isDrawn = (page: Page, least: number, most: number) => page.waitForFunction(([from, to]) => {
  const { length } = window.updraft!.drawn();
  return length >= from! && length <= to!;
}, [least, most], STEP);

it('saves the view that is shown, shows it again, and removes it', async () => {
  const { server, visit, page, end } = await stage({ views: [], display: { other: 'stays' } });
  await visit.open(`${VIEW}&filter=kind:5`);
  await isDrawn(page, 1, 15);
  await page.click('button[aria-label=Account]', STEP);
  await page.waitForSelector('#account >> text=Saved views', STEP);
  await page.fill('[name=view-name]', 'Gliders');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#account >> text=The view Gliders is saved', STEP);
  expect(server.kept).toMatchObject({ views: [{ name: 'Gliders', filters: { show: 'kind:5' }, display: { hide: 'winds,receivers', colour: 'climb', base: 'outline' } }], display: { other: 'stays' } });
  expect(server.credentials.every((one) => one === 'Bearer token-of-ada')).toBe(true);
  expect(await axeViolations(page)).toEqual([]);

  // Elsewhere, with other layers and without a filter.
  await page.keyboard.press('x');
  await page.evaluate(() => { location.hash = 'map=6/40/2&hide=thermals'; });
  await page.reload();
  await visit.live();
  await page.click('button[aria-label=Account]', STEP);
  await page.click('#account .open-view >> text=Gliders');
  await isDrawn(page, 1, 15);
  await page.waitForFunction(() => /map=9\/46\.6[12]\d*\/7\.8[45]/.test(location.hash), undefined, STEP);
  expect(await zoomOf(page)).toBeCloseTo(9, 1);
  expect(new URL(page.url()).hash).toMatch(/filter=kind:5/);
  expect(new URL(page.url()).hash).not.toContain('hide=');
  await expect.poll(() => page.isVisible('.banner.filtered')).toBe(true);

  await page.click('button[aria-label="Remove the view Gliders"]');
  await page.waitForSelector('#account >> text=The view Gliders is removed', STEP);
  expect(server.kept).toEqual({ views: [], display: { other: 'stays' } });
  await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('name'))).toBe('view-name');
  await end();
});

it('applies the saved settings, and explains a refused save', async () => {
  const { server, visit, page, end } = await stage({ views: [], display: { units: 'aviation', theme: 'light' } });
  await visit.open();
  await page.click('button[aria-label=Account]', STEP);
  await page.click('#account >> text=Use the saved settings');
  await page.waitForFunction(() => /^\d+ ft$/.test(document.querySelector('.row .altitude')?.textContent ?? ''), undefined, STEP);
  await expect.poll(() => page.getAttribute('html', 'data-theme')).toBe('light');
  server.refusal = { status: 503, body: { detail: 'the settings of all users are too large' } };
  await page.fill('[name=view-name]', 'Home');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#account >> text=Not saved: the settings of all users are too large', STEP);
  await expect.poll(() => page.inputValue('[name=view-name]')).toBe('Home');
  server.refusal = undefined;
  await page.click('#account >> text=Save my settings');
  await page.waitForSelector('#account >> text=Your settings are saved', STEP);
  expect(server.kept.display).toMatchObject({ units: 'aviation', theme: 'light' });
  await end([/status of 503/]);
});
