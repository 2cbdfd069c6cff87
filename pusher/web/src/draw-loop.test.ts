import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { CALM_STEP_MS, drawIntervalMs, drawRepeatedly, FirstOfKind } from './draw-loop';

const CALM = { aircraft: 3, playing: false };

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('requestAnimationFrame', (draw: () => void) => draw());
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('goes on after a part has failed, and draws the other parts', () => {
  const drawn = { map: 0, list: 0 };
  const failed: unknown[] = [];
  const error = new Error('no texture');
  const map = () => {
    drawn.map += 1;
    if (drawn.map <= 2) throw error;
  };
  drawRepeatedly([map, () => { drawn.list += 1; }], () => CALM, (one) => failed.push(one));
  expect([drawn, failed]).toEqual([{ map: 1, list: 1 }, [error]]);
  vi.advanceTimersByTime(2 * CALM_STEP_MS);
  expect([drawn, failed]).toEqual([{ map: 3, list: 3 }, [error, error]]);
});

it('draws at once on demand, and no more often after it', () => {
  let drawn = 0;
  const drawSoon = drawRepeatedly([() => { drawn += 1; }], () => CALM, () => {});
  vi.advanceTimersByTime(CALM_STEP_MS / 2);
  drawSoon();
  vi.advanceTimersByTime(0);
  expect(drawn).toBe(2);
  vi.advanceTimersByTime(CALM_STEP_MS - 1);
  expect(drawn).toBe(2);
  vi.advanceTimersByTime(1);
  expect(drawn).toBe(3);
});

it('draws a dragged slider twenty times a second', () => {
  let drawn = 0;
  const drawSoon = drawRepeatedly([() => { drawn += 1; }], () => CALM, () => {});
  for (let ms = 0; ms < 1000; ms += 20) {
    drawSoon();
    vi.advanceTimersByTime(20);
  }
  expect(drawn).toBe(21);
});

it('draws many aircraft less often, and the past that plays more often', () => {
  expect([0, 1499, 1500, 5000].map((aircraft) => drawIntervalMs({ aircraft, playing: false }))).toEqual([250, 250, 500, 1000]);
  expect([10, 1500].map((aircraft) => drawIntervalMs({ aircraft, playing: true }))).toEqual([100, 500]);
});

it('reports an error that comes with every picture once', () => {
  const errors = new FirstOfKind();
  expect([new Error('a'), new Error('a'), new TypeError('a'), 'a'].map((error) => errors.isFirst(error))).toEqual([true, false, true, true]);
  // Each with a text of its own: not without end.
  expect(Array.from({ length: 100 }, (_, i) => errors.isFirst(`${i}`)).filter(Boolean)).toHaveLength(17);
});
