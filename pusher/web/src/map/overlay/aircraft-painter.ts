import { PALETTES, type Theme } from '../../basemap/theme';
import type { Selection } from '../../selection';
import type { Scene } from '../scene';
import { PICK_PX, SYMBOL_PX } from '../reach';
import { Spreading } from '../spread';
import { labelOf, marksOf, SYMBOL_SIZES, SYMBOL_ZOOM, VALUES_ZOOM, type Mark } from './aircraft-marks';
import { LabelImages, type Line } from './label-images';
import { labelBox, placeLabels, type Box, type Obstacle, type Side, type Wish } from './labels';
import type { Hit, Painter } from './overlay';
import type { Pixel, Screen } from './screen';
import { Sprites } from './sprites';
import { standingLabels } from './standing';
import { atZoom, type Stops } from './zoomed';

/** Between the middle of a symbol and its label, pixels: at large zooms a label keeps clear of its own symbol too. */
const GAPS_PX = { plain: 18, clear: 22, ringed: 25 } as const;
const RING_RADII: Stops = [[6, 13], [12, 25]];
const DOT_RADII: Stops = [[3, 2.2], [7, 4.5]];
/** The side of the square of a symbol that labels of others keep clear of, pixels. */
const ROOM_PX = 32;
/** A smaller change of position does not count as motion, degrees. */
const STILL_DEG = 1e-7;
/** Symbols outside of the map by less are painted: a part of them, or their labels, may be within. Pixels. */
const MARGIN_PX = 60;
const RIM = '#0c1620';

/** A label with its place. */
interface Label {
  lines: readonly Line[];
  width: number;
  height: number;
  gap: number;
  side: Side;
}

/** Aircraft: symbols turned to the course, rings, lines to the true positions (over raised terrain to the ground below), and labels. */
export class AircraftPainter implements Painter {
  readonly key = 'aircraft';
  readonly intervalMs = 0;
  readonly #spreading = new Spreading();
  readonly #sprites = new Sprites();
  readonly #images = new LabelImages();
  #spreadZoom = 0;
  #marks: Mark[] = [];
  #labels = new Map<number, Label>();
  #sides = new Map<number, Side>();
  #moved = 0;
  #drawn = new Map<number, Mark>();
  /** Where the last painting has them. */
  #painted = new Map<number, Pixel>();
  #zoom = 0;
  #ink = '';

  /** How often an aircraft was drawn at another position than before. */
  get moved(): number {
    return this.#moved;
  }

  /** Of the last drawing: where symbols stand, degrees. */
  get positions(): { device: number; lon: number; lat: number }[] {
    return this.#marks.map(({ aircraft: { device }, spot: { lon, lat } }) => ({ device, lon, lat }));
  }

  /** Where the last painting has symbols on the map. */
  get painted(): ReadonlyMap<number, Pixel> {
    return this.#painted;
  }

  /** The aircraft that have a label. */
  get labelled(): number[] {
    return [...this.#labels.keys()];
  }

  setTheme(theme: Theme): void {
    this.#ink = PALETTES[theme].ink;
    this.#images.setColours(PALETTES[theme]);
  }

  draw(scene: Scene, screen: Screen): void {
    const { zoom } = screen;
    if (Math.abs(zoom - this.#spreadZoom) > 0.05 || zoom < SYMBOL_ZOOM) this.#spreading.reset();
    this.#spreadZoom = zoom;
    this.#marks = marksOf(scene, this.#spreading, zoom);
    const drawn = new Map(this.#marks.map((mark) => [mark.aircraft.device, mark]));
    for (const [device, { home }] of drawn) {
      const before = this.#drawn.get(device)?.home;
      if (before && Math.abs(before.lon - home.lon) + Math.abs(before.lat - home.lat) > STILL_DEG) this.#moved++;
    }
    this.#drawn = drawn;
    this.#placeLabels(scene, screen);
  }

  /** Ringed aircraft first, the highest of them before all. */
  #placeLabels(scene: Scene, screen: Screen): void {
    const { zoom } = screen;
    const room = ROOM_PX * atZoom(SYMBOL_SIZES, zoom);
    const obstacles: Obstacle[] = standingLabels(scene, screen);
    const wishes: (Wish & { lines: Line[] })[] = [];
    const ringed = this.#marks.filter(({ ring }) => ring !== '').reverse();
    for (const mark of [...ringed, ...this.#marks.filter(({ ring }) => ring === '')]) {
      const at = screen.shown(mark.spot, 0);
      if (!at || zoom < SYMBOL_ZOOM) continue;
      const id = mark.aircraft.device;
      obstacles.push({ id, ...square(at, room) });
      const lines = labelOf(mark, scene, zoom);
      if (lines.length === 0) continue;
      const gap = mark.ring ? GAPS_PX.ringed : zoom >= VALUES_ZOOM ? GAPS_PX.clear : GAPS_PX.plain;
      wishes.push({ id, ...at, ...this.#images.size(lines), gap, isUrgent: mark.ring !== '', lines });
    }
    this.#sides = placeLabels(wishes, obstacles, this.#sides);
    this.#labels = new Map(wishes.flatMap(({ id, lines, width, height, gap }) => {
      const side = this.#sides.get(id);
      return side ? [[id, { lines, width, height, gap, side }] as const] : [];
    }));
    this.#images.sweep();
  }

  paint(g: CanvasRenderingContext2D, screen: Screen, ratio: number, inHurry: boolean): boolean {
    const { zoom } = screen;
    this.#zoom = zoom;
    this.#painted = new Map();
    const shown: { mark: Mark; at: Pixel }[] = [];
    for (const mark of this.#marks) {
      const at = screen.shown(mark.spot, MARGIN_PX);
      if (!at) continue;
      shown.push({ mark, at });
      this.#painted.set(mark.aircraft.device, at);
    }
    if (zoom >= SYMBOL_ZOOM) this.#paintLeaders(g, screen, shown);
    for (const { mark, at } of shown) if (mark.ring) paintRing(g, at, mark.ring, atZoom(RING_RADII, zoom));
    for (const { mark, at } of shown) {
      if (zoom < SYMBOL_ZOOM) paintDot(g, at, mark, atZoom(DOT_RADII, zoom));
      else this.#paintSymbol(g, at, mark, screen, ratio);
    }
    return zoom >= SYMBOL_ZOOM && this.#paintLabels(g, shown, ratio, inHurry);
  }

  #paintLeaders(g: CanvasRenderingContext2D, screen: Screen, shown: readonly { mark: Mark; at: Pixel }[]): void {
    g.strokeStyle = this.#ink;
    g.globalAlpha = 0.45;
    g.lineWidth = 1;
    g.beginPath();
    for (const { mark, at } of shown) {
      if (mark.spot === mark.home && !screen.isRaised) continue;
      const home = screen.ground(mark.home);
      g.moveTo(home.x, home.y);
      g.lineTo(at.x, at.y);
    }
    g.stroke();
  }

  #paintSymbol(g: CanvasRenderingContext2D, { x, y }: Pixel, { icon, courseDeg, opacity }: Mark, { zoom, bearingDeg }: Screen, ratio: number): void {
    const image = this.#sprites.turned(icon, courseDeg - bearingDeg, atZoom(SYMBOL_SIZES, zoom), ratio);
    if (!image) return;
    g.globalAlpha = opacity;
    drawSharp(g, image, x - image.width / ratio / 2, y - image.height / ratio / 2, ratio);
  }

  /** The labels of ringed aircraft are drawn first and painted last: above the others. True: some are left. */
  #paintLabels(g: CanvasRenderingContext2D, shown: readonly { mark: Mark; at: Pixel }[], ratio: number, inHurry: boolean): boolean {
    this.#images.setRatio(ratio);
    this.#images.begin(inHurry);
    const ringedLast = [...shown.filter(({ mark }) => !mark.ring), ...shown.filter(({ mark }) => mark.ring)];
    const labels = ringedLast.toReversed().flatMap(({ mark, at }) => {
      const label = this.#labels.get(mark.aircraft.device);
      return label ? [{ mark, at, label, drawn: this.#images.image(label.lines, label.side) }] : [];
    });
    for (const { mark, at, label, drawn } of labels.toReversed()) {
      if (!drawn) continue;
      const { left, top } = labelBox({ id: 0, ...at, ...label, isUrgent: false }, label.side);
      g.globalAlpha = mark.opacity;
      drawSharp(g, drawn.image, left - drawn.marginPx, top - drawn.marginPx, ratio);
    }
    return labels.some(({ drawn }) => !drawn);
  }

  hit(x: number, y: number): Hit | undefined {
    const [nearest] = this.#near(x, y, PICK_PX);
    const device = nearest ?? this.#labelsAt(x, y, PICK_PX)[0];
    return device === undefined ? undefined : { selection: { kind: 'device', device } satisfies Selection, isSymbol: nearest !== undefined };
  }

  /** The aircraft whose symbol or label covers a pixel. */
  at(x: number, y: number): number[] {
    return [...new Set([...this.#near(x, y, 0), ...this.#labelsAt(x, y, 0)])];
  }

  /** The aircraft whose symbols are here, the nearest first. */
  #near(x: number, y: number, marginPx: number): number[] {
    const reach = this.#zoom < SYMBOL_ZOOM ? atZoom(DOT_RADII, this.#zoom) : (ROOM_PX * atZoom(SYMBOL_SIZES, this.#zoom)) / 2;
    const limit = Math.min(SYMBOL_PX, reach + marginPx);
    const distances = [...this.#painted].map(([device, at]) => [device, Math.hypot(at.x - x, at.y - y)] as const);
    return distances.filter(([, distance]) => distance <= limit).sort(([, a], [, b]) => a - b).map(([device]) => device);
  }

  #labelsAt(x: number, y: number, marginPx: number): number[] {
    return [...this.#labels].filter(([device, label]) => {
      const at = this.#painted.get(device);
      if (!at) return false;
      const { left, top, right, bottom } = labelBox({ id: 0, ...at, ...label, isUrgent: false }, label.side);
      return x >= left - marginPx && x <= right + marginPx && y >= top - marginPx && y <= bottom + marginPx;
    }).map(([device]) => device);
  }
}

/** Copies an image of device pixels onto whole ones: neither is its text blurred, nor has the browser to mix pixels. */
function drawSharp(g: CanvasRenderingContext2D, image: HTMLCanvasElement, left: number, top: number, ratio: number): void {
  g.drawImage(image, Math.round(left * ratio) / ratio, Math.round(top * ratio) / ratio, image.width / ratio, image.height / ratio);
}

function square({ x, y }: Pixel, side: number): Box {
  return { left: x - side / 2, top: y - side / 2, right: x + side / 2, bottom: y + side / 2 };
}

function paintRing(g: CanvasRenderingContext2D, { x, y }: Pixel, colour: string, radius: number): void {
  g.beginPath();
  g.arc(x, y, radius, 0, 2 * Math.PI);
  g.fillStyle = g.strokeStyle = colour;
  g.globalAlpha = 0.16;
  g.fill();
  g.globalAlpha = 1;
  g.lineWidth = 2;
  g.stroke();
}

function paintDot(g: CanvasRenderingContext2D, { x, y }: Pixel, { colour, opacity }: Mark, radius: number): void {
  g.beginPath();
  g.arc(x, y, radius, 0, 2 * Math.PI);
  g.globalAlpha = opacity;
  g.fillStyle = colour;
  g.fill();
  g.lineWidth = 1;
  g.strokeStyle = RIM;
  g.stroke();
}
