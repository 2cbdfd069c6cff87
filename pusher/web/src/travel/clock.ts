/** How many times as fast as the user's clock the past is played. */
export const SPEEDS = [1, 2, 5, 10, 30, 60, 120] as const;
export type Speed = (typeof SPEEDS)[number];

/** A page that was hidden or busy continues where it was: more than this is not made up for, ms. */
const MAX_TICK_MS = 1000;

/** The time that is shown. It passes while it plays, and stands where the loaded positions end. */
export class PastClock {
  /** Ms since the Unix epoch. */
  at: number;
  speed: Speed = 10;
  playing = false;
  #tickedAt: number;
  #waiting = false;

  constructor(at: number, now: number) {
    this.at = at;
    this.#tickedAt = now;
  }

  /** Whether it stands because the next positions are not loaded. */
  get waiting(): boolean {
    return this.#waiting;
  }

  /** `now`: the user's clock; `until`: up to where positions are loaded. */
  tick(now: number, until: number): void {
    const elapsed = Math.min(Math.max(0, now - this.#tickedAt), MAX_TICK_MS);
    this.#tickedAt = now;
    this.#waiting = until <= this.at;
    if (this.playing && !this.#waiting) this.at = Math.min(until, this.at + elapsed * this.speed);
  }
}
