import type { Map as MapLibre } from 'maplibre-gl';
import { drawEach } from '../../draw-loop';
import type { LayerKey } from '../layers/layer';
import type { Scene } from '../scene';
import type { Theme } from '../../basemap/theme';
import type { Selection } from '../../selection';
import { cameraOf, Screen } from './screen';

/** Something that moves with each update, painted on the canvas above the map. */
export interface Painter {
  readonly key: LayerKey;
  /** The shortest time between two drawings of the scene, ms. */
  readonly intervalMs: number;
  setTheme(theme: Theme): void;
  /** Takes what is to be painted from the scene. */
  draw(scene: Scene, screen: Screen): void;
  /**
   * Paints it where the camera sees it, in CSS pixels: with each frame of a moving map. `ratio`: device pixels of one. `inHurry`: only
   * what matters most. True: something was left for the next picture.
   */
  paint(g: CanvasRenderingContext2D, screen: Screen, ratio: number, inHurry: boolean): boolean;
  /** The object at a pixel; absent: there is none to select. */
  hit?(x: number, y: number): Hit | undefined;
}

/** After a jump to another time, the symbols of which do not wait for the labels, ms. */
const HURRY_MS = 1000;

export interface Hit {
  selection: Selection;
  /** False: at its label. */
  isSymbol: boolean;
}

/**
 * A canvas above the map for what moves all the time. MapLibre would cut its tiles, place its labels and draw the whole map for every
 * step of it; so the map itself is only drawn when the user moves it, or when something that stands changes.
 */
export class Overlay {
  readonly #map: MapLibre;
  readonly #painters: readonly Painter[];
  readonly #isHidden: (key: LayerKey) => boolean;
  readonly #failed: (error: unknown) => void;
  readonly #canvas = document.createElement('canvas');
  readonly #g: CanvasRenderingContext2D;
  /** The camera of the last painting. */
  #painted = '';
  /** What the last painting has left is painted with the next picture. */
  #isLeft = false;
  #hurriedAt = -Infinity;

  /** `painters`: from below to above. */
  constructor(map: MapLibre, painters: readonly Painter[], isHidden: (key: LayerKey) => boolean, failed: (error: unknown) => void) {
    this.#map = map;
    this.#painters = painters;
    this.#isHidden = isHidden;
    this.#failed = failed;
    this.#canvas.className = 'overlay';
    map.getCanvas().after(this.#canvas);
    this.#g = this.#canvas.getContext('2d')!;
    map.on('render', () => this.#follow());
  }

  /** Paints where the camera has moved; terrain may also have been loaded below it. */
  #follow(): void {
    const camera = cameraOf(this.#map);
    const key = JSON.stringify(camera);
    if (key !== this.#painted || !camera.isFlat) this.paint();
  }

  /** The camera as it is now. */
  get screen(): Screen {
    return new Screen(cameraOf(this.#map));
  }

  paint(): void {
    const camera = cameraOf(this.#map);
    this.#painted = JSON.stringify(camera);
    const screen = new Screen(camera);
    const ratio = this.#map.getPixelRatio();
    const [width, height] = [Math.round(screen.width * ratio), Math.round(screen.height * ratio)];
    if (this.#canvas.width !== width || this.#canvas.height !== height) [this.#canvas.width, this.#canvas.height] = [width, height];
    this.#g.setTransform(1, 0, 0, 1, 0, 0);
    this.#g.clearRect(0, 0, width, height);
    let isLeft = false;
    const inHurry = performance.now() - this.#hurriedAt < HURRY_MS;
    drawEach(this.#painters.filter(({ key }) => !this.#isHidden(key)).map((painter) => () => {
      this.#g.setTransform(ratio, 0, 0, ratio, 0, 0);
      this.#g.globalAlpha = 1;
      isLeft = painter.paint(this.#g, screen, ratio, inHurry) || isLeft;
    }), this.#failed);
    if (isLeft) this.#paintRest();
  }

  /** What is painted within the next second is another picture. */
  hurry(): void {
    this.#hurriedAt = performance.now();
  }

  #paintRest(): void {
    if (this.#isLeft) return;
    this.#isLeft = true;
    requestAnimationFrame(() => {
      this.#isLeft = false;
      this.paint();
    });
  }

  /** The highest object with its symbol at a pixel; without one, that of a label. */
  hit(x: number, y: number): Hit | undefined {
    const hits = this.#painters.toReversed().filter(({ key }) => !this.#isHidden(key)).map((painter) => painter.hit?.(x, y)).filter((hit) => hit !== undefined);
    return hits.find(({ isSymbol }) => isSymbol) ?? hits[0];
  }
}
