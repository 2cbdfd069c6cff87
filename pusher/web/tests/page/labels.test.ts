// The labels of aircraft beside their symbols.
import { expect } from 'vitest';
import type { Hooks } from '../../src/hooks';
import { aircraft, objects } from '../../../../clients/web/tests/wire.js';
import { pageTest } from './open';

declare const window: { updraft?: Hooks };

const it = pageTest();

/** Far from the others; they stand in a row, so near that a label to the right of one would cover the next one. */
const [LAT_E7, LON_E7, STEP_E7] = [469_500_000, 70_000_000, 120_000];
const ROW = [0x110c01, 0x110c02, 0x110c03];
const [LEFT, MIDDLE, RIGHT] = ['110C01', '110C02', '110C03'] as const;

it('keeps labels clear of the symbols of other aircraft', async ({ page, sky, visit }) => {
  await visit.open('#map=12/46.95/7.012&hide=winds,receivers,landmarks,relief');
  const row = ROW.map((device, i) => aircraft({ device, version: 2000, latitude_e7: LAT_E7, longitude_e7: LON_E7 + i * STEP_E7, speed_dkmh: 0, altitude_m: 1800, name: `Neighbour ${i + 1}` }));
  sky.broadcast({ updates: { server_at_us: Date.now() * 1000, removals: [], objects: objects({ aircraft: row }) } });
  const spots = () => page.evaluate((devices) => devices.map((device) => window.updraft!.drawn().find((one) => one.device === device)), [LEFT, MIDDLE, RIGHT]);
  await expect.poll(async () => (await spots()).every(Boolean)).toBe(true);
  const [left, middle, right] = (await spots()).map((spot) => spot!);
  const at = (x: number, y: number) => page.evaluate(([x, y]) => window.updraft!.aircraftAt(x, y), [x, y] as const);
  // The labels of the outer ones stand outside of the row.
  await expect.poll(() => at(left!.x - 60, left!.y)).toEqual([LEFT]);
  await expect.poll(() => at(right!.x + 60, right!.y)).toEqual([RIGHT]);
  // Each symbol is free, and the middle one has its label above or below.
  for (const [spot, device] of [[left, LEFT], [middle, MIDDLE], [right, RIGHT]] as const) expect(await at(spot!.x, spot!.y), device).toEqual([device]);
  expect([...await at(middle!.x, middle!.y - 40), ...await at(middle!.x, middle!.y + 40)]).toEqual([MIDDLE]);
});

it('labels the selected aircraft of a gaggle first', async ({ page, sky, visit }) => {
  // Its address is the highest: by address alone it would be labelled last.
  const [selected, others] = [0x110cff, Array.from({ length: 24 }, (_, i) => 0x110c01 + i)];
  await visit.open('#map=12/46.95/7&device=110CFF&hide=winds,receivers,landmarks,relief');
  const gaggle = [...others, selected].map((device, i) => aircraft({ device, version: 2000, latitude_e7: LAT_E7 + (i % 5) * 20_000, longitude_e7: LON_E7 + Math.floor(i / 5) * 30_000, speed_dkmh: 0, altitude_m: 1800 }));
  sky.broadcast({ updates: { server_at_us: Date.now() * 1000, removals: [], objects: objects({ aircraft: gaggle }) } });
  const labelled = () => page.evaluate(() => window.updraft!.labelled());
  await expect.poll(labelled).toContain('110CFF');
  // Without the selection it is one of those that find no place.
  await page.keyboard.press('Escape');
  await expect.poll(labelled).not.toContain('110CFF');
});
