// What the page does with its connection: the rate by network and battery, the pause of a hidden page, and what it costs.
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Hooks } from '../../src/hooks';
import { pageTest, STEP, VIEW } from './open';

declare const window: { updraft?: Hooks };

const it = pageTest();

const rateOf = (address: string | undefined) => new URL(address ?? '', 'ws://sky').searchParams.get('rate');

/** As the browser would report it; playwright keeps every page visible. */
async function setVisibility(page: Page, state: 'hidden' | 'visible'): Promise<void> {
  await page.evaluate((next) => {
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => next });
    document.dispatchEvent(new Event('visibilitychange'));
  }, state);
}

it('requests fewer updates when the user saves data', async ({ page, sky, visit }) => {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Emulation.setDataSaverOverride', { dataSaverEnabled: true });
  await visit.open();
  expect(rateOf(sky.addresses[0])).toBe('5s');
  await page.click('button[aria-label=Settings]');
  await page.waitForFunction(() => /^Received \d+(\.\d)? [kM]B, \d+(\.\d)? [kM]B per minute\. Updates come every 5 s\.$/.test(document.querySelector('.data-use')?.textContent ?? ''), undefined, STEP);
  // The user's word is above that of the browser; the connection stays.
  const [message] = await Promise.all([sky.nextSubscribe(), page.click('label:has([name=data][value=live])')]);
  expect(message.rate).toBe(1);
  await page.waitForSelector('.data-use >> text=Updates come at once.', STEP);
  expect(sky.addresses).toHaveLength(1);
});

it('saves a battery that is nearly empty', async ({ page, sky, visit }) => {
  await page.addInitScript(() => {
    const battery = Object.assign(new EventTarget(), { level: 0.15, charging: false });
    Object.assign(globalThis, { battery });
    Object.defineProperty(navigator, 'getBattery', { value: async () => battery });
  });
  await visit.open();
  await page.click('button[aria-label=Settings]');
  await page.waitForSelector('.data-use >> text=every 5 s', STEP);
  const [message] = await Promise.all([sky.nextSubscribe(), page.evaluate(() => {
    const { battery } = globalThis as never as { battery: EventTarget & { charging: boolean } };
    battery.charging = true;
    battery.dispatchEvent(new Event('chargingchange'));
  })]);
  expect(message.rate).toBe(1);
});

it('pauses while it is hidden, and catches up', async ({ page, sky, visit }) => {
  await page.clock.install();
  await visit.open(VIEW);
  await page.waitForFunction(() => window.updraft!.resumable(), undefined, STEP);
  await setVisibility(page, 'hidden');
  await page.clock.fastForward(20_000);
  expect(sky.sockets.size).toBe(1);
  await page.clock.fastForward(20_000);
  await page.waitForFunction(() => !window.updraft!.connected(), undefined, STEP);
  await expect.poll(() => sky.sockets.size).toBe(0);
  await expect.poll(() => page.evaluate(() => window.updraft!.counts().aircraft)).toBeGreaterThan(80);
  await setVisibility(page, 'visible');
  await visit.live();
  expect(new URL(sky.addresses.at(-1)!, 'ws://sky').searchParams.get('resume')).toBe('sky');
  expect(sky.addresses).toHaveLength(2);
});
