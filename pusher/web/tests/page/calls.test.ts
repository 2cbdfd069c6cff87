// Calls for help: in banner, list, details and on the map, at every time and with layers switched off; and their sound.
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Hooks } from '../../src/hooks';
import { objects, removal } from '../../../../clients/web/tests/wire.js';
import { axeViolations, DESKTOP, pageTest, placeLater, STEP, VIEW, type SkyServer } from './open';

declare const window: { updraft?: Hooks };

const it = pageTest({ viewport: DESKTOP, bypassCSP: true });

/** Of `sky.mjs`. */
const DISTRESS = 0x110206, RIDE = 0x110202;
const ACKNOWLEDGED = 2;

interface Made { alert_id: string; device: number }
const madeOf = (sky: SkyServer) => (sky.sky as never as { alerts: Made[] }).alerts;
const put = (sky: SkyServer, alerts: object[]) => sky.broadcast({ updates: { server_at_us: 0, removals: [], objects: objects({ alerts: alerts as never }) } });
const openCalls = (page: Page) => page.click('[data-tab=calls]');

it('shows a call whose device has no state', async ({ page, sky, visit }) => {
  const { lat, lon } = { lat: 46.6, lon: 7.9 };
  Object.assign(sky.sky, { ground: [] });
  await visit.open();
  put(sky, [{ ...madeOf(sky).find(({ device }) => device === RIDE)!, version: 8, latitude_e7: lat * 1e7, longitude_e7: lon * 1e7 }]);
  await page.waitForSelector('.beacon:not(.calm)', STEP);
  // Two calls that are not urgent have their symbols, without a pulse.
  await page.waitForFunction(() => document.querySelectorAll('.beacon.calm img').length === 2, undefined, STEP);
  await openCalls(page);
  await page.click('.row:has-text("Needs a ride")');
  await page.waitForSelector('#card .subtitle >> text=Needs a ride', STEP);
  await page.waitForSelector('[data-fact="fact.alert"] >> text=/^CallNeeds a ride · since \\d\\d:\\d\\d$/', STEP);
  await page.waitForFunction(() => document.querySelector('[data-fact="fact.position"] dd')?.textContent === '46.60000° N 7.90000° E', undefined, STEP);
  await expect.poll(() => page.textContent('[data-fact="fact.heard"] dd')).toMatch(/ ago, \d\d:\d\d:\d\d$/);
  await expect.poll(() => page.getAttribute('#card a.action', 'href')).toBe('geo:46.600000,7.900000');
  await expect.poll(() => page.isVisible('#card >> text=Copy position')).toBe(true);
  expect(await axeViolations(page)).toEqual([]);
  // A helper is one click away.
  const helper = (await page.textContent('[data-fact="fact.nearest"] .link'))!.replace(/ [\d.]+ km$/, '');
  await page.click('[data-fact="fact.nearest"] .link >> nth=0');
  await page.waitForFunction((name) => document.querySelector('#card h2')?.textContent === name, helper, STEP);
});

it('shows calls while the layer of the ground is off', async ({ page, visit }) => {
  await visit.open(`${VIEW}&hide=ground`);
  await page.waitForFunction(() => document.querySelectorAll('.beacon.calm').length === 2, undefined, STEP);
  await page.click('button[aria-label=Layers]');
  await page.click('label:has([name=ground])');
  await page.waitForSelector('.beacon.calm', { ...STEP, state: 'detached' });
});

it('marks calls as acknowledged and as not verified', async ({ page, sky, visit }) => {
  await visit.open();
  const call = madeOf(sky).find(({ device }) => device === DISTRESS)!;
  put(sky, [{ ...call, version: 8, status: ACKNOWLEDGED, unverified: true }]);
  await page.waitForSelector('.alerts li >> text=/ · not verified · seen by an operator$/', STEP);
  await page.waitForSelector('.beacon.acknowledged', STEP);
  await openCalls(page);
  await page.waitForSelector('.row >> text=/^Distress call · not verified · seen by an operator · since /', STEP);
  await page.click('.alerts li button');
  await page.waitForSelector('[data-fact="fact.alert"] >> text=/Distress call · not verified · seen by an operator/', STEP);
});

it('labels a beacon by its call, and opens the list of calls', async ({ page, sky, visit }) => {
  await visit.open();
  const call = madeOf(sky).find(({ device }) => device === DISTRESS)!;
  put(sky, [1, 2, 3].map((i) => ({ ...call, alert_id: `4-${i}`, device: call.device + i, alert_kind: 14, name: `Caller ${i}` })));
  await page.waitForSelector('.beacon[aria-label="Needs medical help: Caller 2"]', STEP);
  await page.click('.alerts .more >> text=and 1 more in this region');
  await page.waitForSelector('[data-tab=calls][aria-selected=true]', STEP);
  await page.waitForFunction(() => document.querySelectorAll('.rows:not([hidden]) .row').length === 6, undefined, STEP);
});

it('shows the present calls while the past is shown', async ({ page, visit }) => {
  await visit.open(`${VIEW}&at=2026-06-01T12:00:00Z`);
  await page.waitForFunction(() => window.updraft!.travel() !== undefined, undefined, STEP);
  await openCalls(page);
  await page.waitForFunction(() => document.querySelectorAll('.rows:not([hidden]) .row').length === 3, undefined, STEP);
  await expect.poll(() => page.textContent('[data-tab=calls] .count')).toBe('3');
  await page.click('.row:has-text("Needs a ride")');
  await page.waitForFunction(() => window.updraft!.travel() === undefined, undefined, STEP);
  await page.waitForSelector('[data-fact="fact.alert"]', STEP);
});

it('shows a call while a pilot is followed', async ({ page, visit }) => {
  await visit.open();
  await page.click('.row', STEP);
  await page.click('text=Follow', STEP);
  await page.waitForFunction((start) => location.hash.split('&')[0] !== start, VIEW, STEP);
  await page.click('.alerts button >> text=Show');
  await page.waitForFunction(() => location.hash.includes('device=110206') && location.hash.startsWith('#map=10.5/'), undefined, STEP);
  const at = await placeLater(page);
  expect(await placeLater(page)).toBe(at);
  // In sight, and not below the details.
  await page.click('.beacon:not(.calm)', { ...STEP, trial: true });
});

it('announces all calls that are new', async ({ page, sky, visit }) => {
  await visit.open();
  await expect.poll(() => page.textContent('[role=status].unseen')).toMatch(/^Needs .+\. Needs .+$/);
  const call = madeOf(sky).find(({ device }) => device === DISTRESS)!;
  put(sky, ['Ada', 'Bob'].map((name, i) => ({ ...call, alert_id: `4-${i}`, name })));
  await expect.poll(() => page.textContent('[role=alert].unseen')).toBe('Distress call: Ada. Distress call: Bob');
});

it('sounds for a new distress call unless it is muted', async ({ page, sky, visit }) => {
  await page.addInitScript(() => {
    const counting = globalThis as never as { sounds: number };
    counting.sounds = 0;
    // What the test itself runs in the page counts as a touch of the user.
    const activation = { hasBeenActive: false };
    Object.defineProperty(navigator, 'userActivation', { value: activation });
    addEventListener('pointerdown', () => { activation.hasBeenActive = true; }, true);
    globalThis.AudioContext = class extends AudioContext {
      constructor() {
        super();
        counting.sounds++;
      }
    };
  });
  const sounds = () => page.evaluate(() => (globalThis as never as { sounds: number }).sounds);
  await visit.open();
  await page.waitForFunction(() => document.querySelector('[role=alert]')?.textContent !== '', undefined, STEP);
  // Browsers do not let a page play sound before the user has touched it: the open call sounds then.
  expect(await sounds()).toBe(0);
  await page.mouse.click(600, 400);
  await expect.poll(sounds).toBe(1);
  const call = madeOf(sky).find(({ device }) => device === DISTRESS)!;
  put(sky, [{ ...call, alert_id: '4-1', name: 'Ada' }]);
  await expect.poll(sounds).toBe(2);
  await page.keyboard.press('s');
  await page.click('label:has([name=sound])');
  put(sky, [{ ...call, alert_id: '4-2', name: 'Bob' }]);
  await page.waitForFunction(() => document.querySelector('[role=alert]')?.textContent?.includes('Bob'), undefined, STEP);
  // Neither then nor once the sound is on again.
  await page.click('label:has([name=sound])');
  put(sky, [{ ...call, alert_id: '4-3', name: 'Céline' }]);
  await expect.poll(sounds).toBe(3);
});

it('updates the ages of an object that has left the picture', async ({ page, sky, visit }) => {
  await visit.open();
  await page.click('.row', STEP);
  await page.waitForSelector('#card:not([hidden])', STEP);
  const device = parseInt((await page.evaluate(() => new URLSearchParams(location.hash.slice(1)).get('device')))!, 16);
  sky.sky.silence(device);
  sky.broadcast({ updates: { server_at_us: 0, objects: objects({}), removals: [removal({ object_kind: 1, device, id: 'device', version: 1e9 })] } });
  await page.waitForSelector('#card .subtitle >> text=Not in the air picture any more', STEP);
  const heard = () => page.textContent('[data-fact="fact.heard"] dd');
  const before = await heard();
  await expect.poll(heard).not.toBe(before);
});
