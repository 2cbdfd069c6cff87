// The table of objects and of one device's past: sorted, refreshed, charted, and downloaded as it is shown.
import { readFileSync } from 'node:fs';
import { strFromU8, unzipSync } from 'fflate';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Hooks } from '../../src/hooks';
import { axeViolations, DESKTOP, pageTest, STEP, VIEW, Visit } from './open';

declare const window: { updraft?: Hooks };

const it = pageTest({ viewport: DESKTOP, acceptDownloads: true });

const column = (page: Page, index: number) => page.$$eval('#data .data tbody tr', (rows, at) => rows.map((row) => row.children[at]!.textContent!), index);

async function download(page: Page, label: string): Promise<{ name: string; bytes: Uint8Array }> {
  const [file] = await Promise.all([page.waitForEvent('download', STEP), page.click(`#data .downloads >> text=${label}`)]);
  return { name: file.suggestedFilename(), bytes: new Uint8Array(readFileSync(await file.path())) };
}

it('lists, sorts and pauses all objects, and exports them', async ({ page, visit }) => {
  await visit.open();
  await page.waitForFunction(() => window.updraft!.counts().aircraft > 80, undefined, STEP);
  await page.keyboard.press('d');
  await page.waitForFunction(() => document.querySelectorAll('#data .data tbody tr').length > 80, undefined, STEP);
  await page.click('#data .sort >> text=Altitude (m)');
  await expect.poll(() => page.getAttribute('#data th:nth-child(7)', 'aria-sort')).toBe('descending');
  const altitudes = (await column(page, 6)).filter(Boolean).map(Number);
  expect(altitudes).toEqual([...altitudes].sort((a, b) => b - a));
  // It refreshes by itself until it is paused.
  const note = () => page.textContent('#data .small');
  const before = await note();
  await expect.poll(note).not.toBe(before);
  await page.click('#data >> text=Pause');
  const [still, addresses] = [await note(), await column(page, 1)];
  const moved = await page.evaluate(() => window.updraft!.moved());
  await page.waitForFunction((start) => window.updraft!.moved() > start + 300, moved, STEP);
  expect(await note()).toBe(still);

  const csv = await download(page, 'CSV');
  expect(csv.name).toMatch(/^updraft-aircraft-\d{4}-\d\d-\d\dT\d{6}\.csv$/);
  const lines = new TextDecoder().decode(csv.bytes).split('\r\n');
  expect(lines).toHaveLength(addresses.length + 2);
  expect(lines.slice(1, -1).map((line) => /"([0-9A-F]{6})"/.exec(line)![1])).toEqual(addresses);
  const xlsx = await download(page, 'XLSX');
  const sheet = strFromU8(unzipSync(xlsx.bytes)['xl/worksheets/sheet1.xml']!);
  expect([...sheet.matchAll(/>([0-9A-F]{6})<\/t>/g)].map(([, address]) => address)).toEqual(addresses);

  await page.fill('#data input[type=search]', 'urs');
  await page.waitForFunction(() => [...document.querySelectorAll('#data .data tbody tr')].every((row) => /urs/i.test(row.textContent!)), undefined, STEP);
  const [name] = await column(page, 0);
  await page.click('#data .data .link');
  await page.waitForSelector('#card:not([hidden])', STEP);
  await expect.poll(() => page.textContent('#card h2')).toBe(name);
});

it('shows each kind of object', async ({ page, visit }) => {
  await visit.open(`${VIEW}&hide=`);
  await page.click('button[aria-label=Table]');
  for (const [kind, count] of [['stations', 11], ['thermals', 14], ['alerts', 3], ['ground', 7], ['receivers', 6]] as const) {
    await page.selectOption('#data select >> nth=0', kind);
    await page.waitForFunction((rows) => document.querySelectorAll('#data .data tbody tr').length === rows, count, STEP);
  }
});

it('lists the winds of the view by band, and shows one on the map', async ({ page, visit }) => {
  await visit.open('#map=8/46.62/7.85');
  await page.keyboard.press('d');
  await page.selectOption('#data select >> nth=0', 'winds');
  await page.waitForFunction(() => document.querySelectorAll('#data .data tbody tr').length === 12, undefined, STEP);
  expect((await column(page, 0)).map(Number)).toEqual([1500, 2000, 2500].flatMap((band) => [band, band, band, band]));
  await page.click('#data .sort >> text=Wind (km/h)');
  expect((await column(page, 2)).map(Number)).toEqual([65, 60, 55, 50, 45, 40, 35, 30, 25, 20, 15, 10]);
  const csv = await download(page, 'CSV');
  expect(csv.name).toMatch(/^updraft-winds-/);
  expect(new TextDecoder().decode(csv.bytes).split('\r\n')[1]).toMatch(/^2500,3000,65,340,12,90,"u0m11\/2500",/);
  await page.click('#data .data .link');
  await page.waitForSelector('#card h2 >> text=Wind aloft', STEP);
  expect(decodeURIComponent(new URL(page.url()).hash)).toContain('wind=u0m11/2500');
});

it('shows the past of one device as a table and charts', async ({ page, visit }) => {
  await visit.open();
  await page.click('.row', STEP);
  await page.click('#card >> text=Table and charts');
  await page.waitForSelector('#data .chart canvas', STEP);
  await page.waitForFunction(() => document.querySelectorAll('#data .data tbody tr').length === 50, undefined, STEP);
  expect(visit.requests.some((url) => /track\/[0-9A-F]{6}\?hours=6&level=raw$/.test(url))).toBe(true);
  // The newest first.
  const times = await column(page, 0);
  expect(times).toEqual([...times].sort().reverse());
  await page.selectOption('#data select >> nth=1', '24');
  await expect.poll(() => visit.requests.some((url) => url.includes('hours=24&level=raw'))).toBe(true);
  expect((await download(page, 'CSV')).name).toMatch(/^updraft-[0-9A-F]{6}-.*\.csv$/);
});

it('breaks no rule of axe', async ({ browser, sky }) => {
  const visit = await Visit.start(browser, sky, { viewport: DESKTOP, bypassCSP: true });
  const { page } = visit;
  await visit.open(`${VIEW}&group=110B00,110B01`);
  await page.keyboard.press('d');
  await page.waitForSelector('#data .data tbody tr', STEP);
  expect(await axeViolations(page)).toEqual([]);
  await page.keyboard.press('Escape');
  // The browser closes a dialog after the key event.
  await page.waitForSelector('#data', { ...STEP, state: 'hidden' });
  // A key that comes while the browser still closes the dialog is the dialog's.
  await expect.poll(async () => {
    await page.keyboard.press('g');
    return await page.waitForSelector('#group .members li', { timeout: 3000 }).then(() => true, () => false);
  }).toBe(true);
  expect(await axeViolations(page)).toEqual([]);
  await page.click('text=Compare altitudes');
  await page.waitForSelector('#compare .chart canvas', STEP);
  expect(await axeViolations(page)).toEqual([]);
  await visit.end();
});
