/** Steps of climb, m/s: the lower end of each, and its colour. Sink is blue, level is grey, lift goes from yellow to red. */
const STEPS: readonly { fromMps: number; colour: string; label: string }[] = [
  { fromMps: -Infinity, colour: '#3b5bdb', label: '−3' },
  { fromMps: -3, colour: '#4a8ff0', label: '−1.5' },
  { fromMps: -1.5, colour: '#8cc4ee', label: '−0.5' },
  { fromMps: -0.5, colour: '#e3e8ec', label: '0' },
  { fromMps: 0.5, colour: '#ffe066', label: '+0.5' },
  { fromMps: 1.5, colour: '#ffa94d', label: '+1.5' },
  { fromMps: 3, colour: '#ff6b35', label: '+3' },
  { fromMps: 5, colour: '#e8207a', label: '+5' },
];

const UNKNOWN = '#c3b5e8';

/** The step of a climb, or -1 where it is not known. */
export function climbStep(climbMps: number | undefined): number {
  return climbMps === undefined ? -1 : STEPS.findLastIndex(({ fromMps }) => climbMps >= fromMps);
}

export function climbColour(step: number): string {
  return STEPS[step]?.colour ?? UNKNOWN;
}

/** For the legend, from sink to lift. */
export const CLIMB_LEGEND = STEPS.map(({ colour, label }) => ({ colour, label }));
