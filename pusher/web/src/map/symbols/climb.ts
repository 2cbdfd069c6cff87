import { colourStep, scaleColour } from './colour';

/** The step of a climb, or -1 where it is not known. */
export function climbStep(climbMps: number | undefined): number {
  return colourStep('climb', climbMps);
}

export function climbColour(step: number): string {
  return scaleColour('climb', step);
}
