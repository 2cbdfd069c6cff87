// Zones on the map, and drawing one: for those who may.
import type { IncomingMessage } from 'node:http';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Hooks } from '../../src/hooks';
import { launch } from '../browser.mjs';
import { startSky, type Answer } from '../sky.mjs';
import { STEP, VIEW, Visit, axeViolations } from './open';

declare const window: { updraft?: Hooks };

let browser: Browser;
beforeAll(async () => { browser = await launch(); });
afterAll(() => browser?.close());

interface Feature {
  type: 'Feature';
  geometry: { type: string; coordinates: [number, number][][] };
  properties: Record<string, unknown>;
}

const square: Feature = {
  type: 'Feature', geometry: { type: 'Polygon', coordinates: [[[7.6, 46.5], [8.1, 46.5], [8.1, 46.75], [7.6, 46.75], [7.6, 46.5]]] },
  properties: { set: 'alps', id: 'ctr-bern', name: 'CTR Bern', class: 'CTR', floor: 'GND', ceiling: '1371.6 m', valid_from: null, valid_until: null, judged: true },
};

/** A server that keeps sets of zones, as the real one does it. `scopes`: of the person who is signed in. */
async function stage(scopes: string[] | undefined) {
  const sets = new Map<string, Feature[]>([['alps', [square]]]);
  const requests: string[] = [];
  const bodyOf = async (request: IncomingMessage) => {
    let text = '';
    for await (const part of request) text += String(part);
    return text;
  };
  const put = (set: string) => async (request: IncomingMessage): Promise<Answer> => {
    requests.push(`${request.method} ${set} ${request.headers.authorization}`);
    if (request.method === 'DELETE') {
      sets.delete(set);
      return { body: {} };
    }
    const { features } = JSON.parse(await bodyOf(request)) as { features: Feature[] };
    if (features.some(({ properties }) => properties['floor'] === 'high')) return { status: 400, body: { detail: 'feature 1: invalid floor' } };
    sets.set(set, features.map((feature) => ({ ...feature, properties: { ...feature.properties, set, valid_from: null, valid_until: null } })));
    return { body: { zones: features.length } };
  };
  const sky = await startSky({ count: 12, api: {
    '/api/v1/zones': (request: IncomingMessage): Answer => {
      const set = new URL(request.url!, 'http://here').searchParams.get('set');
      return { body: { type: 'FeatureCollection', features: set === null ? [...sets.values()].flat() : sets.get(set) ?? [] } };
    },
    '/api/v1/zones/drawn': put('drawn'),
    '/api/v1/zones/alps': put('alps'),
    ...(scopes && {
      '/api/v1/sign-in': (): Answer => ({ body: { status: 'unavailable', server_time: new Date().toISOString() } }),
      '/api/v1/me': (): Answer => ({ body: { subject: 'ada', roles: [], scopes, server_time: new Date().toISOString() } }),
    }),
  } });
  const visit = await Visit.start(browser, sky, { viewport: { width: 1000, height: 700 }, bypassCSP: true });
  if (scopes) await visit.page.addInitScript(() => sessionStorage.setItem('updraft-tokens', JSON.stringify({ access: 'token-of-ada' })));
  return { sets, requests, sky, visit, page: visit.page };
}

const shown = (page: Page, count: number) => page.waitForFunction((zones) => new Set(window.updraft!.shown('zones-line')).size === zones, count, STEP);

it('shows zones with their layer, without tools to draw', async () => {
  const { sky, visit, page } = await stage(undefined);
  await visit.open(VIEW);
  await shown(page, 1);
  await page.keyboard.press('l');
  await page.click('label:has([name=zones])');
  await shown(page, 0);
  await expect.poll(() => page.isVisible('button[aria-label="Draw zones"]')).toBe(false);
  await visit.end();
  sky.close();
});

it('draws a zone, says why one is refused, and removes a set', async () => {
  const { sets, requests, sky, visit, page } = await stage(['picture:read', 'zone:write']);
  await visit.open(VIEW);
  await shown(page, 1);
  await page.click('button[aria-label="Draw zones"]');
  await page.click('#zones >> text=Draw a zone');
  for (const [x, y] of [[380, 430], [560, 430], [560, 560], [470, 600], [380, 560]] as const) await page.mouse.click(x, y);
  await page.waitForSelector('#zones >> text=Click the corners on the map: 5', STEP);
  await page.click('#zones >> text=Undo');
  await page.waitForSelector('#zones >> text=Click the corners on the map: 4', STEP);
  await page.click('#zones >> text=Save');
  await page.waitForSelector('#zones >> text=A zone needs a name', STEP);
  await page.fill('#zones [name=name]', 'Landing');
  await page.fill('#zones [name=floor]', 'high');
  expect(await axeViolations(page)).toEqual([]);
  await page.click('#zones >> text=Save');
  await page.waitForSelector('#zones >> text=Not saved: feature 1: invalid floor', STEP);
  await page.fill('#zones [name=floor]', '');
  await page.click('#zones >> text=Save');
  await page.waitForSelector('#zones >> text=The set drawn is saved', STEP);
  const [zone] = sets.get('drawn')!;
  expect(zone!.properties).toMatchObject({ name: 'Landing', floor: 'GND', ceiling: 'UNL' });
  const [ring] = zone!.geometry.coordinates;
  expect(ring).toHaveLength(5);
  expect(ring![0]).toEqual(ring![4]);
  // The map shows it, and clicks select again.
  await shown(page, 2);
  await expect.poll(() => page.evaluate(() => window.updraft!.shown('draft-line'))).toEqual([]);
  page.on('dialog', (dialog) => void dialog.accept());
  await page.click('button[aria-label="Remove the set alps"]');
  await page.waitForSelector('#zones >> text=The set alps is removed', STEP);
  await shown(page, 1);
  expect(requests).toEqual(['PUT drawn Bearer token-of-ada', 'PUT drawn Bearer token-of-ada', 'DELETE alps Bearer token-of-ada']);
  await visit.end([/400/]);
  sky.close();
});
