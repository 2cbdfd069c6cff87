// Aircraft that were not heard of since: listed, shown at that time, and downloaded.
import { expect } from 'vitest';
import type { Hooks } from '../../src/hooks';
import { axeViolations, DESKTOP, pageTest, STEP } from './open';

declare const window: { updraft?: Hooks };

const it = pageTest({ viewport: DESKTOP, bypassCSP: true });

it('lists them with what is known, and links to the place, the time and the track', async ({ page, visit }) => {
  await visit.open();
  await page.click('[data-tab=calls]');
  await page.click('.action.silent');
  await page.waitForSelector('#silent tbody tr >> nth=1', STEP);
  const rows = await page.$$eval('#silent tbody tr', (all) => all.map((row) => [...row.children].map((cell) => cell.textContent)));
  expect(rows[0]![0]).toBe('Past 3Paraglider');
  expect(rows[0]![1]).toMatch(/, \d\d:\d\d, 3 h ago$/);
  expect(rows[0]!.slice(2, 6)).toEqual([expect.stringMatching(/^2100 m.*, −6\.1 m\/s, 38 km\/h, 250° WSW$/), 'yes', 'ogn-be-1, ogn-be-4', 'nothing']);
  expect(rows[1]!.slice(2, 6)).toEqual(['', 'no', '–', expect.stringMatching(/^Landed well, \d\d:\d\d$/)]);
  const links = await page.$$eval('#silent tbody tr:first-child a', (all) => all.map((link) => link.getAttribute('href')));
  expect(links[0]).toMatch(/^\/#map=12\/46\.6000\/7\.9000&device=120B03&at=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  expect(links[1]).toMatch(/^\.\/api\/v1\/track\/120B03\?from=[^&]+Z&to=[^&]+Z&format=gpx$/);
  expect(await axeViolations(page)).toEqual([]);
  expect(visit.requests.filter((url) => /api\/v1\/silent\?bounds=/.test(url))).toHaveLength(1);

  await page.keyboard.press('Escape');
  await page.keyboard.press('u');
  await page.click('#silent tbody tr:first-child a >> nth=0');
  await page.waitForSelector('#card h2 >> text=Past 3', STEP);
  const at = (await page.evaluate(() => window.updraft!.travel()))!.at;
  expect(Math.abs(Date.now() - 3 * 3_600_000 - 5 * 60_000 - at)).toBeLessThan(120_000);
  await page.waitForFunction(() => location.hash.includes('at=') && location.hash.includes('device=120B03'), undefined, STEP);
});
