import { PALETTES, type Theme } from '../../basemap/theme';

/** Small marks of the base map and of the layers without a kind of their own. */
export function drawMark(g: CanvasRenderingContext2D, name: string, theme: Theme): void {
  const colour = PALETTES[theme];
  g.strokeStyle = colour.halo;
  g.lineWidth = 3;
  if (name === 'peak') {
    fill(g, new Path2D('M0 -8 L8 6 L-8 6 Z'), colour.mountain);
  } else if (name === 'dot') {
    fill(g, new Path2D('M0 -6 a6 6 0 1 1 -0.01 0 Z'), colour.place);
  } else if (name === 'drift') {
    fill(g, new Path2D('M0 -15 L5 -5 L1.6 -6.6 L1.6 13 L-1.6 13 L-1.6 -6.6 L-5 -5 Z'), colour.ink);
  } else if (name === 'receiver') {
    drawReceiver(g);
  }
}

function fill(g: CanvasRenderingContext2D, path: Path2D, colour: string): void {
  g.stroke(path);
  g.fillStyle = colour;
  g.fill(path);
}

function drawReceiver(g: CanvasRenderingContext2D): void {
  const mast = new Path2D('M0 -4 L-5.4 12 M0 -4 L5.4 12 M-3 5 L3 5 M-5 -9.6 A7.4 7.4 0 0 0 -5 1.6 M5 -9.6 A7.4 7.4 0 0 1 5 1.6 M-8.8 -12.6 A12 12 0 0 0 -8.8 4.6 M8.8 -12.6 A12 12 0 0 1 8.8 4.6');
  for (const [colour, width] of [['#ffffff', 4.6], ['#6741d9', 2.2]] as const) {
    g.strokeStyle = colour;
    g.lineWidth = width;
    g.stroke(mast);
  }
}
