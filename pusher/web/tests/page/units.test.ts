// The user's units on the map and in all panels, and the languages of the map's own controls.
import { expect } from 'vitest';
import type { Hooks } from '../../src/hooks';
import { axeViolations, DESKTOP, pageTest, STEP, VIEW } from './open';

declare const window: { updraft?: Hooks };

const it = pageTest({ viewport: DESKTOP, bypassCSP: true, locale: 'de-CH' });

it('writes everything in the units of the user', async ({ page, visit }) => {
  await page.addInitScript(() => localStorage.setItem('updraft-settings', JSON.stringify({ units: 'imperial', zone: 'utc', colour: 'altitude' })));
  await visit.open(`${VIEW}&filter=from:1000&station=080103`);
  await page.waitForFunction(() => /mi$/.test(document.querySelector('.maplibregl-ctrl-scale')?.textContent ?? ''), undefined, STEP);
  await page.waitForSelector('[data-fact="fact.temperature"] >> text=47 °F', STEP);
  await page.keyboard.press('k');
  const [from] = await page.$$('.band input');
  expect([await from!.inputValue(), await from!.getAttribute('aria-label')]).toEqual(['3281', 'Höhe: Von (ft)']);
  await from!.fill('5000');
  await from!.press('Enter');
  await page.waitForFunction(() => location.hash.includes('filter=from:1524'), undefined, STEP);
  await page.click('button[aria-label=Legende]');
  await page.waitForSelector('#legend >> text=Höhe, ft', STEP);
  await page.waitForSelector('#legend >> text=Zone: kontrollierter Luftraum', STEP);
  expect(await axeViolations(page)).toEqual([]);
  // The map's own controls speak the language of the page.
  await expect.poll(() => page.getAttribute('.maplibregl-ctrl-zoom-in', 'aria-label')).toBe('Vergrößern');
  await page.keyboard.press('d');
  await page.waitForSelector('#data th >> text=Zuletzt gehört (UTC)', STEP);
});

it('says why the list is empty while the layer is off', async ({ page, visit }) => {
  // Far from all aircraft, which the page knows.
  await visit.open('#map=9/10/10&hide=aircraft');
  await page.waitForFunction(() => window.updraft!.counts().aircraft > 80, undefined, STEP);
  await page.waitForSelector('.note >> text=Die Ebene Luftfahrzeuge ist ausgeschaltet.', STEP);
});
