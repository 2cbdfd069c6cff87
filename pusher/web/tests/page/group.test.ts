// Groups by link, favourites, and what is reported of followed pilots.
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { aircraft, ground, objects, removal } from '../../../../clients/web/tests/wire.js';
import type { Hooks } from '../../src/hooks';
import { pageTest, STEP, VIEW } from './open';

declare const window: { updraft?: Hooks };

const it = pageTest(undefined, { notifications: true });

const MEMBERS = ['110B00', '110B01', '110B02'];
const drawn = (page: Page) => page.evaluate(() => window.updraft!.drawn().map(({ device }) => device).sort());

it('shows a group from a link, with its colours and altitudes', async ({ page, visit }) => {
  await visit.open(`${VIEW}&group=${MEMBERS.join(',')}&group-title=Day%201`);
  await page.waitForFunction(() => window.updraft!.drawn().length > 80, undefined, STEP);
  await page.waitForSelector('.row.member', STEP);
  await page.keyboard.press('g');
  await page.waitForSelector('#group .members li >> nth=2', STEP);
  await expect.poll(() => page.inputValue('#group input[type=text]')).toBe('Day 1');
  await expect.poll(() => page.$$eval('#group input[type=color]', (inputs) => inputs.map((input) => (input as HTMLInputElement).value))).toEqual(['#0072b2', '#e69f00', '#009e73']);
  await page.waitForFunction(() => [...document.querySelectorAll('#group .members .detail')].every((one) => /\d+ m/.test(one.textContent!)), undefined, STEP);
  await page.click('label:has([name=only-group])');
  await page.waitForFunction(() => window.updraft!.drawn().length === 3, undefined, STEP);
  expect(await drawn(page)).toEqual(MEMBERS);
  expect(new URL(page.url()).hash).toContain('filter=group');
  await page.click('text=Compare altitudes');
  await page.waitForSelector('#compare .chart canvas', STEP);
  await page.waitForFunction(() => [...document.querySelectorAll('#compare tbody tr')].filter((row) => /\d+ m.*\d+ m/.test(row.textContent!)).length === 3, undefined, STEP);
  await expect.poll(() => page.getAttribute('#compare .chart', 'aria-label')).toMatch(/^Altitudes over time of /);
  await page.keyboard.press('Escape');
  await expect.poll(() => page.isVisible('#compare')).toBe(false);
});

it('makes a group of the followed pilots, with a link to it', async ({ page, sky, visit }) => {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await visit.open();
  await page.click('.row', STEP);
  await page.click('text=Follow', STEP);
  await page.waitForSelector('.row.followed', STEP);
  const device = new URLSearchParams(new URL(page.url()).hash.slice(1)).get('device')!;
  await page.keyboard.press('g');
  await page.click('text=Make a group of the followed pilots (1)');
  await page.waitForSelector('#group .members li', STEP);
  expect(page.url()).toContain(`group=${device}`);
  await page.fill('#group input[type=text]', 'Retrieve & more');
  await page.press('#group input[type=text]', 'Tab');
  await page.fill('#group input[type=datetime-local]', '2099-07-14T18:00');
  await page.press('#group input[type=datetime-local]', 'Tab');
  await page.waitForFunction(() => location.hash.includes('group-end=2099-07-14T'), undefined, STEP);
  await page.click('text=Share the group');
  await page.waitForSelector('text=Copied', STEP);
  const link = new URL(await page.evaluate(() => navigator.clipboard.readText()));
  expect([...new URLSearchParams(link.hash.slice(1)).keys()].sort()).toEqual(['group', 'group-end', 'group-title', 'map']);
  // Far away from the group: it is followed there too.
  const subscribe = sky.nextSubscribe();
  await page.goto('about:blank');
  await page.goto(link.href.replace(/map=[^&]*/, 'map=9/40/2'));
  await visit.live();
  expect((await subscribe).follow_devices).toEqual([parseInt(device, 16)]);
});

it('lists a member that is not received any more with its last position', async ({ page, sky, visit }) => {
  // The second one was never received by this page: the server's history has its end.
  await visit.open(`#map=9/44/2&group=110B00,0A0B0C`);
  await page.keyboard.press('g');
  await page.waitForFunction(() => /\d+ m/.test(document.querySelector('#group .members .detail')?.textContent ?? ''), undefined, STEP);
  await page.waitForSelector('#group .members .detail >> text=/^not received since \\d\\d:\\d\\d$/', STEP);
  await expect.poll(() => page.$$('#group .members li')).toHaveLength(2);
  const [first] = await page.evaluate(() => window.updraft!.aircraft().filter(({ device }) => device === '110B00'));
  sky.sky.silence(0x110b00);
  sky.broadcast({ updates: { server_at_us: Date.now() * 1000, objects: objects({}), removals: [removal({ device: 0x110b00, version: 1_000_000 })] } });
  await page.waitForFunction(() => document.querySelectorAll('#group .members .detail').length === 2
    && [...document.querySelectorAll('#group .members .detail')].every((one) => one.textContent!.startsWith('not received since')), undefined, STEP);
  await expect.poll(() => page.textContent('#group .members .name')).toBe(first!.name ?? '110B00');
  // A click shows where that was.
  await page.click('#group .members .who >> nth=0');
  await page.waitForFunction(({ lat, lon }) => {
    const [, atLat, atLon] = /map=[\d.]+\/([\d.-]+)\/([\d.-]+)/.exec(location.hash)!.map(Number);
    // In the middle of what the panels leave free.
    return Math.abs(atLat! - lat) < 0.3 && Math.abs(atLon! - lon) < 0.3;
  }, first!, STEP);
  await page.click('#group .members .who >> nth=1');
  await page.waitForSelector('#card:not([hidden]) .subtitle >> text=Not in the air picture', STEP);
  await page.waitForFunction(() => /Last heard1\d min ago/.test(document.querySelector('#card dl')!.textContent!), undefined, STEP);
  await expect.poll(() => page.isVisible('#card >> text=Copy position')).toBe(true);
});

it('shows no member of a group that has ended', async ({ page, visit }) => {
  await visit.open(`${VIEW}&group=${MEMBERS.join(',')}&group-end=2026-01-01T00:00&filter=group`);
  await page.waitForFunction(() => window.updraft!.drawn().length > 80, undefined, STEP);
  await expect.poll(() => page.$$('.row.member')).toHaveLength(0);
  await page.keyboard.press('g');
  await page.waitForSelector('#group >> text=The group ended on', STEP);
});

it('keeps favourites in the browser', async ({ page, visit }) => {
  await visit.open();
  await page.click('.row', STEP);
  const name = await page.textContent('#card h2');
  await page.click('button.action >> text=Favourite');
  await page.waitForSelector('.row.favourite', STEP);
  await page.reload();
  await visit.live();
  await page.click('button[aria-label=Filter]');
  await page.click('label:has([name=filter-favourites])');
  // Calls for help pass every filter; no aircraft calls.
  await page.waitForFunction(() => document.querySelectorAll('.rows:not([hidden]) .row').length === 1, undefined, STEP);
  await expect.poll(() => page.textContent('.row.favourite .name')).toBe(name);
});

it('notifies of followed pilots once the user allowed it', async ({ page, sky, visit }) => {
  await page.context().grantPermissions(['notifications']);
  await page.addInitScript(() => {
    const shown: string[] = [];
    const record = (title: string, { tag }: NotificationOptions) => shown.push(`${tag}: ${title}`);
    Object.assign(globalThis, { shown });
    const { Notification } = globalThis;
    globalThis.Notification = new Proxy(Notification, { construct: (target, given: [string, NotificationOptions]) => { record(...given); return new target(...given); } });
    const { prototype } = ServiceWorkerRegistration;
    const { showNotification } = prototype;
    prototype.showNotification = function (title, options) { record(title, options!); return showNotification.call(this, title, options); };
  });
  const shown = () => page.evaluate(() => (globalThis as never as { shown: string[] }).shown);
  await visit.open(`${VIEW}&follow=0A0B0C`);
  const say = (some: object) => sky.broadcast({ updates: { server_at_us: Date.now() * 1000, removals: [], objects: objects(some) } });
  const pilot = { device: 0x0a0b0c, name: 'Zora' };
  const fly = (phase: number, version: number) => say({ aircraft: [aircraft({ ...pilot, kind_and_phase: 2 + 32 * phase, version })] });
  const received = (version: number) => page.waitForFunction((wanted) => window.updraft!.aircraft().some((one) => one.device === '0A0B0C' && one.version === wanted), version, STEP);
  fly(1, 1);
  await received(1);
  fly(2, 2);
  await received(2);
  // No permission is given yet.
  expect(await shown()).toEqual([]);
  await page.click('button[aria-label=Settings]');
  await page.click('label:has([name=notify])');
  say({ ground: [ground({ ...pilot, ground_kind: 9, alert_kind: 9, version: 3 })] });
  await expect.poll(shown).toEqual(['0A0B0C-landing: Zora has landed', '0A0B0C-call: Needs a ride: Zora']);
  fly(2, 4);
  await expect.poll(shown).toContain('0A0B0C-takeOff: Zora has taken off');
  sky.broadcast({ updates: { server_at_us: 0, objects: objects({}), removals: [removal({ device: 0x0a0b0c, version: 5 })] } });
});
