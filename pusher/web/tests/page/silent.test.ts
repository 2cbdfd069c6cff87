// Aircraft that were not heard of since: listed, shown at that time, and downloaded.
import { expect } from 'vitest';
import type { Hooks } from '../../src/hooks';
import { terrainArchive } from '../archives.mjs';
import { startSky } from '../sky.mjs';
import { axeViolations, DESKTOP, pageTest, STEP, VIEW, Visit } from './open';

declare const window: { updraft?: Hooks };

const it = pageTest({ viewport: DESKTOP, bypassCSP: true });

it('lists silent aircraft, with links to place, time and track', async ({ page, visit }) => {
  await visit.open();
  await page.click('[data-tab=calls]');
  await page.click('.action.silent');
  await page.waitForSelector('#silent tbody tr >> nth=1', STEP);
  const rows = await page.$$eval('#silent tbody tr', (all) => all.map((row) => [...row.children].map((cell) => cell.textContent)));
  expect(rows[0]![0]).toBe('Past 3Paraglider');
  expect(rows[0]![1]).toMatch(/, \d\d:\d\d, 3 h ago$/);
  expect(rows[0]!.slice(2, 7)).toEqual([expect.stringMatching(/^2100 m.*, −6\.1 m\/s, 38 km\/h, 250° WSW$/), '46.60000° N 7.90000° E', 'ogn-be-4, ogn-be-2', 'ogn-be-1, ogn-be-4', 'nothing']);
  expect(rows[1]!.slice(2, 7)).toEqual(['', '46.70000° N 7.80000° E', 'no', '–', expect.stringMatching(/^Landed well, \d\d:\d\d$/)]);
  const links = await page.$$eval('#silent tbody tr:first-child a', (all) => all.map((link) => link.getAttribute('href')));
  expect(links[0]).toMatch(/^\/#map=12\/46\.6000\/7\.9000&device=120B03&at=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  expect(links[1]).toBe('geo:46.600000,7.900000');
  expect(links[2]).toMatch(/^\.\/api\/v1\/track\/120B03\?from=[^&]+Z&to=[^&]+Z&format=gpx$/);
  expect(await axeViolations(page)).toEqual([]);
  expect(visit.requests.filter((url) => /api\/v1\/silent\?bounds=/.test(url))).toHaveLength(1);

  await page.keyboard.press('Escape');
  await page.keyboard.press('u');
  await page.click('#silent tbody tr:first-child a >> nth=0');
  await page.waitForSelector('#card h2 >> text=Past 3', STEP);
  const at = (await page.evaluate(() => window.updraft!.travel()))!.at;
  expect(Math.abs(Date.now() - 3 * 3_600_000 - at)).toBeLessThan(120_000);
  await page.waitForFunction(() => location.hash.includes('at=') && location.hash.includes('device=120B03'), undefined, STEP);
});

it('lists those of the view, or all of them', async ({ page, visit }) => {
  await visit.open();
  await page.keyboard.press('u');
  await page.waitForSelector('#silent tbody tr >> nth=1', STEP);
  await expect.poll(() => page.isChecked('#silent input[value=view]')).toBe(true);
  await page.click('#silent label:has([value=everywhere])');
  await expect.poll(() => visit.requests.filter((url) => /api\/v1\/silent$/.test(url)).length).toBe(1);
  await page.waitForSelector('#silent tbody tr >> nth=1', STEP);
  await page.click('#silent label:has([value=view])');
  await expect.poll(() => visit.requests.filter((url) => /api\/v1\/silent\?bounds=/.test(url)).length).toBe(2);
  // The choice is kept while the page is open.
  await page.click('#silent label:has([value=everywhere])');
  await page.keyboard.press('Escape');
  await page.keyboard.press('u');
  await expect.poll(() => page.isChecked('#silent input[value=everywhere]')).toBe(true);
  await expect.poll(() => visit.requests.filter((url) => /api\/v1\/silent$/.test(url)).length).toBe(3);
  expect(await axeViolations(page)).toEqual([]);
});

it('copies a position, and adds heights above ground later', async ({ browser }) => {
  const terrain = { url: './map/terrain.pmtiles?v=1', encoding: 'terrarium' };
  const sky = await startSky({ count: 5, config: { terrain }, files: { '/map/terrain.pmtiles': terrainArchive() } });
  const visit = await Visit.start(browser, sky, { viewport: { width: 900, height: 520 }, permissions: ['clipboard-read', 'clipboard-write'] });
  const { page } = visit;
  await visit.open(VIEW);
  await page.waitForFunction(() => window.updraft!.elevationAt(46.62, 7.85) !== undefined, undefined, STEP);
  await page.keyboard.press('u');
  await page.waitForSelector('#silent tbody tr:first-child td:nth-child(3) >> text=/^2100 m \\(\\d+ m AGL\\)/', STEP);
  expect(visit.requests.filter((url) => url.includes('/api/v1/silent'))).toHaveLength(1);
  await page.click('#silent tbody tr:first-child button');
  await page.waitForSelector('#silent tbody tr:first-child button >> text=Copied', STEP);
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe('46.60000, 7.90000');
  await visit.end();
  sky.close();
});
