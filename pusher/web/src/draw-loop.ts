/** From this number of aircraft on, the map is drawn less often, with this time between two drawings, ms. */
const DRAW_STEPS = [[0, 250], [1500, 500], [5000, 1000]] as const;
/** While the past is played, it is drawn so often, ms. */
const PLAY_STEP_MS = 100;
/** The time between two drawings of few aircraft, ms. */
export const CALM_STEP_MS = DRAW_STEPS[0][1];

/** What the drawing costs and needs. */
export interface Load {
  aircraft: number;
  /** The past is played. */
  playing: boolean;
}

/** Draws now and from now on, as often as the load allows. */
export function drawRepeatedly(draw: () => Load): void {
  const load = draw();
  setTimeout(() => requestAnimationFrame(() => drawRepeatedly(draw)), drawIntervalMs(load));
}

export function drawIntervalMs({ aircraft, playing }: Load): number {
  const step = DRAW_STEPS.findLast(([from]) => aircraft >= from)?.[1] ?? CALM_STEP_MS;
  return playing && step === CALM_STEP_MS ? PLAY_STEP_MS : step;
}
