import type { Ground } from 'updraft-client';
import { CALM_STEP_MS } from '../draw-loop';
import type { PastFlight } from '../motion/flights';
import type { Past } from '../motion/past';
import type { Board } from './board';
import type { Scene } from './scene';

/** The smallest zoom at which a selection from the list is shown; the largest at which all of several are. */
export const CLOSE_ZOOM = 10.5;

/** Moves the map by itself: with a followed device, and to a chosen flight. */
export class Camera {
  readonly #board: Board;
  #isPitching = false;
  /** The state from the ground that the map was moved to. */
  #centredAt: Ground | undefined;
  /** The flight that the map moves to once its track is loaded. */
  #awaited: PastFlight | undefined;

  /** `panned`: called when the user moves the map, by pointer or by key. */
  constructor(board: Board, panned: () => void) {
    this.#board = board;
    const { map } = board;
    map.on('dragstart', panned);
    // MapLibre reports no drag for keys.
    map.getCanvasContainer().addEventListener('keydown', (event) => { if (isPan(event)) panned(); });
    map.on('pitchstart', () => { this.#isPitching = true; });
    map.on('pitchend', () => { this.#isPitching = false; });
  }

  /** `device`: the one to keep in the middle, if any. Zooming, rotating and tilting come first: each movement ends the one before. */
  keepInMiddle(device: number | undefined, { picture, air, now }: Scene): void {
    const { map } = this.#board;
    if (device === undefined || map.isZooming() || map.isRotating() || this.#isPitching) return;
    const aircraft = picture.aircraft.get(device);
    const ground = aircraft ? undefined : picture.ground.get(device);
    if (aircraft) this.#board.centre(air.whereNow(aircraft, now), CALM_STEP_MS);
    // A state from the ground is no motion: the map goes there once.
    else if (ground && ground !== this.#centredAt) this.#board.goTo(ground);
    this.#centredAt = ground;
  }

  /** Undefined: no flight is chosen any more. */
  awaitFlight(flight: PastFlight | undefined): void {
    this.#awaited = flight;
  }

  moveToFlight({ flight, segments }: Past): void {
    if (!this.#awaited || flight !== this.#awaited || segments.length === 0) return;
    this.#awaited = undefined;
    this.#board.fit(segments.flat(), CLOSE_ZOOM);
  }
}

/** Whether MapLibre moves the map with this key. With Shift the arrows rotate and tilt it. */
function isPan({ key, shiftKey, altKey, ctrlKey, metaKey }: KeyboardEvent): boolean {
  return key.startsWith('Arrow') && !shiftKey && !altKey && !ctrlKey && !metaKey;
}
