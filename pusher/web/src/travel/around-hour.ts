import { padded, type View } from 'updraft-client';
import { boxOf, serves, type Box } from './plan';
import type { Span } from './spans';

const HOUR_MS = 3_600_000;
/** What reaches up to now is loaded again after this time, ms. */
const REFRESH_MS = 60_000;
/** After a failure the next attempt comes after this time, ms. */
const RETRY_MS = 15_000;
/** While the user drags the slider or the map, nothing is requested, ms. */
const REST_MS = 400;

/** What is loaded at once, and how; undefined: it cannot be loaded now. */
export interface Source<T> {
  /** So long before the begin of the shown hour, ms, */
  beforeMs: number;
  /** to so long after it. */
  afterMs: number;
  load(box: Box, span: Span, signal: AbortSignal): Promise<T | undefined>;
}

/** Loads what was recorded around the hour that is shown, where the map is. */
export class AroundHour<T> {
  readonly #source: Source<T>;
  #loaded: T;
  #box: Box | undefined;
  #hour = NaN;
  /** When it has to be loaded, the user's clock, ms. */
  #dueAt = Infinity;
  #abort: AbortController | undefined;
  #changes = 0;

  constructor(nothing: T, source: Source<T>) {
    this.#loaded = nothing;
    this.#source = source;
  }

  get loaded(): T {
    return this.#loaded;
  }

  /** Grows with everything that is loaded. */
  get changes(): number {
    return this.#changes;
  }

  /** Loads what is missing. `now`: the user's clock. */
  want(view: View, at: number, now: number): void {
    const hour = Math.floor(at / HOUR_MS) * HOUR_MS;
    const isServed = this.#box !== undefined && serves(this.#box, view);
    if (hour !== this.#hour || !isServed) {
      this.stop();
      this.#hour = hour;
      if (!isServed) this.#box = boxOf(padded(view));
      this.#dueAt = now + REST_MS;
    }
    if (!this.#abort && this.#box && now >= this.#dueAt) void this.#load(this.#box, hour, now);
  }

  stop(): void {
    this.#abort?.abort();
    this.#abort = undefined;
  }

  async #load(box: Box, hour: number, now: number): Promise<void> {
    const abort = new AbortController();
    this.#abort = abort;
    const to = Math.min(now, hour + this.#source.afterMs);
    try {
      const loaded = await this.#source.load(box, { from: hour - this.#source.beforeMs, to }, abort.signal);
      if (abort.signal.aborted) return;
      if (loaded !== undefined) {
        this.#loaded = loaded;
        this.#changes++;
      }
      this.#dueAt = loaded === undefined ? now + RETRY_MS : to === now ? now + REFRESH_MS : Infinity;
    } catch {
      // Whether there is a history, the positions of aircraft say. A request that was stopped has another one behind it.
      if (!abort.signal.aborted) this.#dueAt = now + RETRY_MS;
    } finally {
      if (this.#abort === abort) this.#abort = undefined;
    }
  }
}
