import { describe, expect, it, vi } from 'vitest';
import type { Scene } from '../scene';
import { Screen, spotOf, type Camera } from './screen';
import type { TrailLine } from './trail-lines';

// Node has no paths.
vi.hoisted(() => Object.assign(globalThis, { Path2D: class { moveTo(): void {} lineTo(): void {} arc(): void {} } }));
const lines: TrailLine[] = [];
vi.mock('./trail-lines', () => ({ trailLines: () => lines }));
const { TrailPainter } = await import('./trail-painter');

const line = (isSelected: boolean, colour: string): TrailLine => ({ colour, isSelected, spots: [spotOf(7, 46), spotOf(7.2, 46.1)] });

/** The colours that are painted at a zoom. */
function painted(zoom: number): string[] {
  const colours: string[] = [];
  const g = { strokeStyle: '', stroke: () => colours.push(g.strokeStyle) };
  const camera = { width: 800, height: 600, zoom, bearingDeg: 0, isRaised: false, isFlat: true, centre: spotOf(7, 46), middle: { x: 400, y: 300 } } as Camera;
  const painter = new TrailPainter();
  painter.draw({} as Scene);
  painter.paint(g as unknown as CanvasRenderingContext2D, new Screen(camera));
  return colours;
}

describe('trails', () => {
  it('are all painted where there is space for them', () => {
    lines.splice(0, Infinity, line(false, 'other'), line(true, 'chosen'));
    expect(painted(8)).toEqual(['other', '#000000', 'chosen']);
  });

  it('far out are those that the user chose', () => {
    lines.splice(0, Infinity, line(false, 'other'), line(true, 'chosen'));
    expect(painted(6)).toEqual(['#000000', 'chosen']);
  });
});
