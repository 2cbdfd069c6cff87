import type { Aircraft } from 'updraft-client';
import { nextFlight, whereNow, type Flight } from './flight';
import type { Estimate, Fix } from './extrapolate';
import type { Motion } from './motion';
import { Trails } from './trail';

/** The motion of all aircraft between updates, and their trails. */
export class Air implements Motion {
  readonly trails = new Trails();
  readonly #flights = new Map<number, Flight>();

  /** Takes a new state; the observer of the air picture. */
  observe(next: Aircraft, now: number): void {
    const fix: Fix = next;
    this.#flights.set(next.device, nextFlight(fix, this.#flights.get(next.device), now));
    this.trails.add(next.device, fix);
  }

  whereNow(aircraft: Aircraft, now: number): Estimate {
    const flight = this.#flights.get(aircraft.device);
    return flight ? whereNow(flight, now) : aircraft;
  }

  /** Removes the motion of aircraft that are not shown any more. */
  prune(isShown: (device: number) => boolean, now: number): void {
    for (const device of this.#flights.keys()) {
      if (!isShown(device)) this.#flights.delete(device);
    }
    this.trails.prune(now);
  }
}
