import type { Aircraft } from 'updraft-client';
import type { Estimate, Fix } from './extrapolate';

/** Where aircraft are and have been, live or in the past. */
export interface Motion {
  readonly trails: {
    /** A longer silence breaks the line, ms. */
    readonly gapMs: number;
    /** Oldest first. */
    of(device: number): readonly Fix[];
  };
  whereNow(aircraft: Aircraft, now: number): Estimate;
}
