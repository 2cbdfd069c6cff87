/** Strength of wind at take-off, km/h: the lower end of each step, and its colour. */
const STEPS = [
  { fromKmh: 0, colour: '#2fae7a' },
  { fromKmh: 12, colour: '#8fbf2f' },
  { fromKmh: 22, colour: '#eab308' },
  { fromKmh: 32, colour: '#f97316' },
  { fromKmh: 45, colour: '#dc2626' },
] as const;

const UNKNOWN = '#7b8794';
const KNOT_KMH = 1.852;

/** The step of a wind speed, or -1 where it is not known. */
export function windStep(speedKmh: number | undefined): number {
  return speedKmh === undefined ? -1 : STEPS.findLastIndex(({ fromKmh }) => speedKmh >= fromKmh);
}

export function windColour(step: number): string {
  return STEPS[step]?.colour ?? UNKNOWN;
}

/** For the legend. */
export const WIND_LEGEND = STEPS.map(({ colour, fromKmh }) => ({ colour, fromKmh }));

/** The wind in multiples of five knots, as the feathers of a barb count it. */
export function barbKnots(speedKmh: number): number {
  return Math.round(speedKmh / KNOT_KMH / 5) * 5;
}

/**
 * A badge for the speed, and a wind barb that stands on it towards where the wind comes from: here the north.
 * `knots` undefined: no direction is known, so that there is no barb.
 */
export function drawStation(g: CanvasRenderingContext2D, step: number, knots: number | undefined): void {
  const colour = windColour(step);
  if (knots !== undefined && knots > 0) drawBarb(g, knots);
  g.beginPath();
  g.arc(0, 0, 8.6, 0, 2 * Math.PI);
  g.fillStyle = '#0c1620';
  g.fill();
  g.strokeStyle = colour;
  g.lineWidth = 2.2;
  g.stroke();
}

/** A wind barb alone, on a dot in the colour of its strength. */
export function drawWind(g: CanvasRenderingContext2D, step: number, knots: number): void {
  if (knots > 0) drawBarb(g, knots, 0);
  g.beginPath();
  g.arc(0, 0, 4.4, 0, 2 * Math.PI);
  g.fillStyle = windColour(step);
  g.fill();
  g.strokeStyle = '#0c1620';
  g.lineWidth = 1.6;
  g.stroke();
}

/** `from`: where the shaft begins, above the middle. */
function drawBarb(g: CanvasRenderingContext2D, knots: number, from = 9): void {
  const barb = new Path2D(`M0 ${-from} L0 -19.4`);
  const flags = new Path2D();
  let y = -19.4;
  let left = knots;
  for (; left >= 50; left -= 50, y += 3.4) flags.addPath(new Path2D(`M0 ${y} L5.6 ${y + 1.4} L0 ${y + 2.8} Z`));
  for (; left >= 10; left -= 10, y += 2.6) barb.addPath(new Path2D(`M0 ${y} L6 ${y - 2}`));
  if (left >= 5) barb.addPath(new Path2D(`M0 ${knots === 5 ? y + 2.6 : y} l3.4 -1.2`));
  for (const [colour, width] of [['#ffffff', 3.6], ['#0c1620', 1.7]] as const) {
    g.strokeStyle = g.fillStyle = colour;
    g.lineWidth = width;
    g.stroke(barb);
    g.fill(flags);
  }
}
