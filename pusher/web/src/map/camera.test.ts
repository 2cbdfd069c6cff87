import { describe, expect, it } from 'vitest';
import type { Board } from './board';
import { Camera } from './camera';
import type { Scene } from './scene';

const ANNA = 0x110b01;
const AT = { lat: 46.6, lon: 7.8 };

/** A camera over a map that records what is done with it. */
function stage() {
  const moves: string[] = [];
  const listeners = new Map<string, () => void>();
  const now = { isZooming: false, isRotating: false };
  let press: (event: Partial<KeyboardEvent>) => void = () => {};
  const map = {
    on: (event: string, listener: () => void) => listeners.set(event, listener), isZooming: () => now.isZooming, isRotating: () => now.isRotating,
    getCanvasContainer: () => ({ addEventListener: (_: string, listener: typeof press) => { press = listener; } }),
  };
  const board = { map, centre: () => moves.push('centre'), goTo: () => moves.push('goTo') } as unknown as Board;
  const camera = new Camera(board, () => moves.push('panned'));
  const scene = { picture: { aircraft: new Map([[ANNA, AT]]), ground: new Map() }, air: { whereNow: () => AT }, now: 0 } as unknown as Scene;
  return { moves, now, fire: (event: string) => listeners.get(event)!(), press: (event: Partial<KeyboardEvent>) => press(event), keep: () => camera.keepInMiddle(ANNA, scene) };
}

describe('a followed device', () => {
  it('is kept in the middle', () => {
    const { moves, keep } = stage();
    keep();
    expect(moves).toEqual(['centre']);
  });

  it('waits while the map is zoomed, rotated or tilted', () => {
    const { moves, now, fire, keep } = stage();
    for (const movement of ['isZooming', 'isRotating'] as const) {
      now[movement] = true;
      keep();
      now[movement] = false;
    }
    fire('pitchstart');
    keep();
    expect(moves).toEqual([]);
    fire('pitchend');
    keep();
    expect(moves).toEqual(['centre']);
  });

  it('is left by dragging and by the arrow keys alone', () => {
    const { moves, fire, press } = stage();
    press({ key: '+' });
    press({ key: 'ArrowLeft', shiftKey: true });
    expect(moves).toEqual([]);
    press({ key: 'ArrowLeft' });
    fire('dragstart');
    expect(moves).toEqual(['panned', 'panned']);
  });
});
