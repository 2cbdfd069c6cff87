import type { Palette } from '../../basemap/theme';
import type { Side } from './labels';

/** A line of a label. */
export interface Line {
  text: string;
  sizePx: number;
  isBold: boolean;
}

/** From one line to the next one, in units of its size. */
const LINE_HEIGHT = 1.15;
/** Of the rim about the text, so that it is read on any ground, pixels. */
const HALO_PX = 1.6;
/** So many new labels are drawn for a picture in a hurry. */
const FEW = 24;
/** Widths of so many characters are kept. */
const MAX_WIDTHS = 4096;

/** Draws labels, each once while it stays the same. */
export class LabelImages {
  readonly #widths = new Map<string, number>();
  /** The font of the page. */
  readonly #family = getComputedStyle(document.body).fontFamily;
  readonly #ruler = document.createElement('canvas').getContext('2d')!;
  #colours: Pick<Palette, 'ink' | 'halo'> = { ink: '#fff', halo: '#000' };
  #ratio = 1;
  #images = new Map<string, HTMLCanvasElement>();
  #earlier = new Map<string, HTMLCanvasElement>();
  /** So many new labels may be drawn for this picture. */
  #left = Infinity;

  setColours(colours: Pick<Palette, 'ink' | 'halo'>): void {
    this.#colours = colours;
    this.#forget();
  }

  /** Device pixels of a CSS pixel. */
  setRatio(ratio: number): void {
    if (ratio === this.#ratio) return;
    this.#ratio = ratio;
    this.#forget();
  }

  #forget(): void {
    this.#images.clear();
    this.#earlier.clear();
  }

  /** Another picture. */
  begin(inHurry: boolean): void {
    this.#left = inHurry ? FEW : Infinity;
  }

  /** The images that are not used again until the next call are given up. */
  sweep(): void {
    this.#earlier = this.#images;
    this.#images = new Map();
  }

  /** Width and height of a label, CSS pixels. */
  size(lines: readonly Line[]): { width: number; height: number } {
    return { width: Math.max(0, ...lines.map((line) => this.#width(line))), height: lines.reduce((sum, { sizePx }) => sum + sizePx * LINE_HEIGHT, 0) };
  }

  /**
   * The image of a label and the room about the text in it, CSS pixels. The text leans towards its symbol. Undefined: enough was drawn for
   * this picture.
   */
  image(lines: readonly Line[], side: Side): { image: HTMLCanvasElement; marginPx: number } | undefined {
    const key = `${side}${lines.map(({ text, sizePx }) => `\n${sizePx} ${text}`).join('')}`;
    const known = this.#images.get(key) ?? this.#earlier.get(key);
    if (!known && this.#left-- <= 0) return undefined;
    const image = known ?? this.#draw(lines, side);
    this.#images.set(key, image);
    return { image, marginPx: HALO_PX };
  }

  #draw(lines: readonly Line[], side: Side): HTMLCanvasElement {
    const { width, height } = this.size(lines);
    const canvas = document.createElement('canvas');
    canvas.width = Math.ceil((width + 2 * HALO_PX) * this.#ratio);
    canvas.height = Math.ceil((height + 2 * HALO_PX) * this.#ratio);
    const g = canvas.getContext('2d')!;
    g.scale(this.#ratio, this.#ratio);
    g.lineJoin = 'round';
    g.lineWidth = 2 * HALO_PX;
    g.strokeStyle = this.#colours.halo;
    g.fillStyle = this.#colours.ink;
    g.textBaseline = 'middle';
    g.textAlign = side === 'right' ? 'left' : side === 'left' ? 'right' : 'center';
    const x = HALO_PX + (side === 'right' ? 0 : side === 'left' ? width : width / 2);
    for (const isRim of [true, false]) {
      let y = HALO_PX;
      for (const line of lines) {
        g.font = this.#font(line);
        if (isRim) g.strokeText(line.text, x, y + (line.sizePx * LINE_HEIGHT) / 2);
        else g.fillText(line.text, x, y + (line.sizePx * LINE_HEIGHT) / 2);
        y += line.sizePx * LINE_HEIGHT;
      }
    }
    return canvas;
  }

  /** The sum of its characters: most labels find no place, and need no exact width. */
  #width(line: Line): number {
    const font = this.#font(line);
    let width = 0;
    for (const character of line.text) {
      const key = font + character;
      let own = this.#widths.get(key);
      if (own === undefined) {
        if (this.#widths.size >= MAX_WIDTHS) this.#widths.clear();
        this.#ruler.font = font;
        own = this.#ruler.measureText(character).width;
        this.#widths.set(key, own);
      }
      width += own;
    }
    return width;
  }

  #font({ sizePx, isBold }: Line): string {
    return `${isBold ? 700 : 400} ${sizePx}px ${this.#family}`;
  }
}
