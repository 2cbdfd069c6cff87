import type { Fix } from './extrapolate';
import { aroundTime, fetchTrack, PAST_HOURS, periodQuery, segmentsUntil } from './past';

/** Of each device: more than pixels say nothing. */
const MAX_POINTS = 600;
/** Tracks are loaded again after this time, ms. */
const REFRESH_MS = 30_000;

/** The recorded tracks of several devices, up to the time that is shown. */
export class Tracks {
  readonly #tracks = new Map<number, readonly (readonly Fix[])[]>();
  #period = '';
  #askedAt = 0;

  /** Loads them when that is due. `at`: the time of the past that is shown; undefined: the map is live. `now`: the user's clock. */
  want(devices: readonly number[], at: number | undefined, now: number): void {
    const period = at === undefined ? { hours: PAST_HOURS } : aroundTime(at);
    const asked = periodQuery(period);
    if (asked !== this.#period) {
      this.forget();
      this.#period = asked;
    }
    if (now - this.#askedAt < REFRESH_MS) return;
    this.#askedAt = now;
    for (const device of devices) {
      void fetchTrack(device, period, MAX_POINTS).then((track) => {
        if (track && asked === this.#period) this.#tracks.set(device, track);
      });
    }
  }

  /** What is loaded of a device, oldest first. */
  of(device: number, at: number | undefined): readonly Fix[] {
    const segments = this.#tracks.get(device) ?? [];
    return (at === undefined ? segments : segmentsUntil(segments, at)).flat();
  }

  forget(): void {
    this.#tracks.clear();
    this.#askedAt = 0;
  }
}
