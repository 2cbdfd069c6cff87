// Notifications that the server pushes: the service worker shows them, also while no page is open.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launch } from '../browser.mjs';
import { startSky } from '../sky.mjs';
import { DESKTOP, STEP, Visit } from './open';

let browser: Browser;
beforeAll(async () => { browser = await launch({ notifications: true }); });
afterAll(() => browser?.close());

const alert = { type: 'alert.opened', timestamp: '2026-07-14T12:00:00.000Z', data: { title: 'Needs medical help: Ada', text: 'Last known position: 46.5, 7.5', device: '110B90' } };
const zone = { type: 'zone.entered', timestamp: '2026-07-14T12:00:00.000Z', data: { title: 'Ada has entered CTR Bern', text: '', device: '110B90', zone_event: { set: 'alps', zone_id: 'ctr-bern' } } };

it('shows what is pushed, each event once', async () => {
  const sky = await startSky();
  const visit = await Visit.start(browser, sky, { viewport: DESKTOP });
  const { page } = visit;
  const origin = new URL(sky.url).origin;
  await page.context().grantPermissions(['notifications'], { origin });
  await visit.open();
  await page.evaluate(async () => { await navigator.serviceWorker.ready; });
  await page.waitForFunction(() => navigator.serviceWorker.ready.then(({ active }) => active?.state === 'activated'), undefined, STEP);
  const devtools = await page.context().newCDPSession(page);
  const registered = new Promise<string>((resolve) => {
    devtools.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const own = registrations.find(({ scopeURL }) => scopeURL.startsWith(origin));
      if (own) resolve(own.registrationId);
    });
  });
  await devtools.send('ServiceWorker.enable');
  const registrationId = await registered;
  for (const message of [alert, alert, zone]) {
    await devtools.send('ServiceWorker.deliverPushMessage', { origin, registrationId, data: JSON.stringify(message) });
  }
  const shown = () => page.evaluate(async () => {
    const list = await (await navigator.serviceWorker.ready).getNotifications();
    return list.map(({ title, body, tag, data }) => ({ title, body, tag, data: data as unknown }));
  });
  await expect.poll(async () => (await shown()).length).toBe(2);
  const data = { device: 0x110B90 };
  expect(await shown()).toEqual(expect.arrayContaining([
    { title: alert.data.title, body: alert.data.text, tag: '110B90-call', data },
    { title: zone.data.title, body: '', tag: '110B90-alps/ctr-bern', data },
  ]));
  await visit.end();
  sky.close();
});
