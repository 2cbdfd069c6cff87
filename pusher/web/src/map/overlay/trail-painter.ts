import { isDark, type Theme } from '../../basemap/theme';
import { CALM_MS } from '../layers/layer';
import type { Scene } from '../scene';
import type { Painter } from './overlay';
import type { Screen } from './screen';
import { trailLines, type TrailLine } from './trail-lines';

/** Below, trails would hide the symbols: only those that the user chose are painted. */
const TRAIL_ZOOM = 7.5;
const WIDTH_PX = 1.8, SELECTED_WIDTH_PX = 3.2, RIM_WIDTH_PX = 5.5;
/** A shorter step is not painted, pixels. */
const STEP_PX = 1;

/** The ways of the last minutes, coloured by climb, and the recorded track of the selected aircraft. */
export class TrailPainter implements Painter {
  readonly key = 'trails';
  readonly intervalMs = CALM_MS;
  #theme: Theme = 'dark';
  #lines: readonly TrailLine[] = [];

  setTheme(theme: Theme): void {
    this.#theme = theme;
  }

  draw(scene: Scene): void {
    this.#lines = trailLines(scene);
  }

  paint(g: CanvasRenderingContext2D, screen: Screen): boolean {
    g.lineCap = g.lineJoin = 'round';
    const dark = isDark(this.#theme);
    const selected = this.#lines.filter(({ isSelected }) => isSelected);
    if (screen.zoom >= TRAIL_ZOOM) this.#stroke(g, screen, this.#lines.filter(({ isSelected }) => !isSelected), WIDTH_PX, dark ? 0.6 : 0.85);
    this.#stroke(g, screen, selected.map((line) => ({ ...line, colour: dark ? '#000000' : '#22303c' })), RIM_WIDTH_PX, 0.55);
    this.#stroke(g, screen, selected, SELECTED_WIDTH_PX, 1);
    return false;
  }

  /** All lines of a colour at once. */
  #stroke(g: CanvasRenderingContext2D, screen: Screen, lines: readonly TrailLine[], width: number, opacity: number): void {
    const paths = new Map<string, Path2D>();
    for (const { colour, spots } of lines) {
      let path = paths.get(colour);
      if (!path) paths.set(colour, path = new Path2D());
      addLine(path, spots, screen);
    }
    g.lineWidth = width;
    g.globalAlpha = opacity;
    for (const [colour, path] of paths) {
      g.strokeStyle = colour;
      g.stroke(path);
    }
  }
}

/** Adds a line to a path where a part of it may be on the map. */
function addLine(path: Path2D, spots: TrailLine['spots'], screen: Screen): void {
  const pixels = spots.map((spot) => screen.pixel(spot));
  if (pixels.every(({ x }) => x < 0) || pixels.every(({ x }) => x > screen.width)) return;
  if (pixels.every(({ y }) => y < 0) || pixels.every(({ y }) => y > screen.height)) return;
  let last = pixels[0]!;
  path.moveTo(last.x, last.y);
  pixels.forEach((at, i) => {
    if (i < pixels.length - 1 && Math.abs(at.x - last.x) + Math.abs(at.y - last.y) < STEP_PX) return;
    path.lineTo(at.x, at.y);
    last = at;
  });
}
