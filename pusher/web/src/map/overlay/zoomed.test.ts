import { expect, it } from 'vitest';
import { atZoom } from './zoomed';

it('is linear between two zooms, and constant beyond them', () => {
  const stops = [[7, 0.6], [9, 1]] as const;
  expect([3, 7, 8, 9, 20].map((zoom) => atZoom(stops, zoom))).toEqual([0.6, 0.6, 0.8, 1, 1]);
});
