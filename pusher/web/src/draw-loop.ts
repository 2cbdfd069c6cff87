/** From this number of aircraft on, the map is drawn less often, with this time between two drawings, ms. */
const DRAW_STEPS = [[0, 250], [1500, 500], [5000, 1000]] as const;
/** The time between two drawings while the past is played, ms. */
const PLAY_STEP_MS = 100;
/** The shortest time between two drawings, ms: a slider is dragged, or what the user waits for has come. */
const SOON_STEP_MS = 50;
/** The time between two drawings of few aircraft, ms. */
export const CALM_STEP_MS = DRAW_STEPS[0][1];
/** Messages of errors may contain numbers and names without end: so many kinds are remembered. */
const MAX_KINDS = 20;

/** What the drawing costs and needs. */
export interface Load {
  aircraft: number;
  /** The past is played. */
  playing: boolean;
}

/**
 * Draws the parts now and from now on, as often as the load allows. A part that throws is drawn again with the next picture, and
 * keeps no other part from being drawn: `failed` gets the error. Returns what draws with the browser's next picture instead of later,
 * for what the user waits for; while that comes again and again, twenty times a second.
 */
export function drawRepeatedly(parts: readonly (() => void)[], load: () => Load, failed: (error: unknown) => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let drawnAt = 0;
  const drawNext = () => {
    timer = undefined;
    requestAnimationFrame(draw);
  };
  function draw(): void {
    drawEach(parts, failed);
    drawnAt = performance.now();
    timer = setTimeout(drawNext, drawIntervalMs(load()));
  }
  draw();
  return () => {
    if (timer === undefined) return;
    clearTimeout(timer);
    timer = setTimeout(drawNext, drawnAt + SOON_STEP_MS - performance.now());
  };
}

/** Draws every part, also after one that throws. */
export function drawEach(parts: Iterable<() => void>, failed: (error: unknown) => void): void {
  for (const draw of parts) {
    try {
      draw();
    } catch (error) {
      failed(error);
    }
  }
}

export function drawIntervalMs({ aircraft, playing }: Load): number {
  const step = DRAW_STEPS.findLast(([from]) => aircraft >= from)?.[1] ?? CALM_STEP_MS;
  return playing && step === CALM_STEP_MS ? PLAY_STEP_MS : step;
}

/** Lets the first error of each kind pass: one that comes with every picture would fill the console. */
export class FirstOfKind {
  readonly #seen = new Set<string>();

  isFirst(error: unknown): boolean {
    const kind = String(error);
    if (this.#seen.has(kind) || this.#seen.size >= MAX_KINDS) return false;
    this.#seen.add(kind);
    return true;
  }
}
