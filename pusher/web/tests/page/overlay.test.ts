// Aircraft are painted on a canvas above the map: at the places that the map has for their positions.
import { expect } from 'vitest';
import type { Hooks } from '../../src/hooks';
import { pageTest, STEP } from './open';

declare const window: { updraft?: Hooks };

const it = pageTest();

/** Of the aircraft within the map: how many there are, how many are found at their place, and at how many something is painted. */
function found(): { inView: number; found: number; painted: number } {
  const canvas = document.querySelector<HTMLCanvasElement>('#map .overlay')!;
  const ratio = canvas.width / canvas.clientWidth;
  // Read from a copy: Chromium warns of reading a canvas that is for painting.
  const g = Object.assign(document.createElement('canvas'), { width: canvas.width, height: canvas.height }).getContext('2d', { willReadFrequently: true })!;
  g.drawImage(canvas, 0, 0);
  const inView = window.updraft!.drawn().filter(({ x, y }) => x > 20 && y > 20 && x < canvas.clientWidth - 20 && y < canvas.clientHeight - 20);
  const isPainted = ({ x, y }: { x: number; y: number }) => g.getImageData(Math.round((x - 8) * ratio), Math.round((y - 8) * ratio), Math.round(16 * ratio), Math.round(16 * ratio)).data.some((byte, i) => i % 4 === 3 && byte > 0);
  return {
    inView: inView.length, found: inView.filter(({ device, x, y }) => window.updraft!.aircraftAt(x, y).includes(device)).length, painted: inView.filter(isPainted).length,
  };
}

it.for([['from above', ''], ['turned', '/60'], ['turned and tilted', '/60/50']] as const)('has aircraft at their positions, %s', async ([, camera], { page, visit }) => {
  await visit.open(`#map=9/46.62/7.85${camera}&hide=trails`);
  await page.waitForFunction(() => window.updraft!.drawn().length > 50, undefined, STEP);
  await expect.poll(async () => {
    const { inView, ...there } = await page.evaluate(found);
    return { several: inView > 20, lost: inView - there.found, unpainted: inView - there.painted };
  }).toEqual({ several: true, lost: 0, unpainted: 0 });
});

it('keeps them at their positions while the user moves the map', async ({ page, visit }) => {
  await visit.open('#map=9/46.62/7.85&hide=trails');
  await page.waitForFunction(() => window.updraft!.drawn().length > 50, undefined, STEP);
  await page.mouse.move(700, 400);
  await page.mouse.down();
  for (let step = 1; step <= 5; step++) {
    await page.mouse.move(700 + step * 20, 400 + step * 10);
    const { inView, found: there } = await page.evaluate(found);
    // A drawing may lie between the two questions.
    expect(there).toBeGreaterThan(inView * 0.9);
  }
  await page.mouse.up();
  await expect.poll(async () => { const { inView, found: there } = await page.evaluate(found); return there === inView; }).toBe(true);
});

it('draws the map itself only when something on it changes', async ({ page, visit }) => {
  await visit.open('#map=9/46.62/7.85');
  await page.waitForFunction(() => window.updraft!.drawn().length > 50, undefined, STEP);
  const since = (before: { frames: number; moved: number }) => page.evaluate((one) => ({ frames: window.updraft!.frames() - one.frames, moved: window.updraft!.moved() - one.moved }), before);
  // Until the ground is there.
  let before = { frames: 0, moved: 0 };
  await expect.poll(async () => {
    const { frames, moved } = await since(before);
    if (frames > 0 || moved === 0) before = { frames: before.frames + frames, moved: before.moved + moved };
    return frames === 0 && moved > 500;
  }, { ...STEP, timeout: 2 * STEP.timeout }).toBe(true);
});

it('hides aircraft and trails with their layers', async ({ page, visit }) => {
  await visit.open('#map=9/46.62/7.85&hide=aircraft,trails');
  await page.waitForFunction(() => window.updraft!.counts().aircraft > 50, undefined, STEP);
  const painted = () => page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>('#map .overlay')!;
    const g = Object.assign(document.createElement('canvas'), { width: canvas.width, height: canvas.height }).getContext('2d', { willReadFrequently: true })!;
    g.drawImage(canvas, 0, 0);
    return g.getImageData(0, 0, canvas.width, canvas.height).data.some((byte) => byte > 0);
  });
  expect(await painted()).toBe(false);
  await page.click('button[aria-label="Layers"]');
  await page.locator('label', { has: page.locator('input[name="aircraft"]') }).click();
  await expect.poll(painted).toBe(true);
});
