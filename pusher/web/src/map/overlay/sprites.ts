import { drawById } from '../symbols/resolve';

/** Symbols are turned in steps of so many degrees: a browser without a graphics card copies an image much faster than it turns one. */
const STEP_DEG = 5;
/** Turned symbols of so many pixels are kept: some megabytes. */
const MAX_PIXELS = 4_000_000;

/** Images of symbols for a canvas, each drawn once in every direction and size. */
export class Sprites {
  readonly #upright = new Map<string, { image: HTMLCanvasElement; sizePx: number } | undefined>();
  readonly #turned = new Map<string, HTMLCanvasElement>();
  #pixels = 0;

  /** A symbol in an image of device pixels, whose middle is the symbol's. `scale`: its size; `ratio`: device pixels of a CSS pixel; undefined for an unknown name. */
  turned(id: string, courseDeg: number, scale: number, ratio: number): HTMLCanvasElement | undefined {
    const sprite = this.#get(id);
    if (!sprite) return undefined;
    const step = Math.round(courseDeg / STEP_DEG), side = Math.round(sprite.sizePx * scale * ratio);
    const key = `${id} ${step} ${side}`;
    const known = this.#turned.get(key);
    if (known) return known;
    // The corners of these symbols are empty, so that they need no more room when they are turned.
    const image = document.createElement('canvas');
    image.width = image.height = side;
    const g = image.getContext('2d')!;
    g.translate(side / 2, side / 2);
    g.rotate((step * STEP_DEG * Math.PI) / 180);
    g.drawImage(sprite.image, -side / 2, -side / 2, side, side);
    this.#pixels += side * side;
    if (this.#pixels > MAX_PIXELS) {
      this.#turned.clear();
      this.#pixels = side * side;
    }
    this.#turned.set(key, image);
    return image;
  }

  #get(id: string): { image: HTMLCanvasElement; sizePx: number } | undefined {
    if (this.#upright.has(id)) return this.#upright.get(id);
    const drawn = drawById(id);
    const image = document.createElement('canvas');
    image.width = drawn?.image.width ?? 0;
    image.height = drawn?.image.height ?? 0;
    if (drawn) image.getContext('2d')!.putImageData(drawn.image, 0, 0);
    const sprite = drawn && { image, sizePx: drawn.image.width / drawn.pixelRatio };
    this.#upright.set(id, sprite);
    return sprite;
  }
}
