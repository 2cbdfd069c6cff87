import type { Refusal } from './refusal';

/** Loads something again and again: one load at a time, none while it is paused or the page is hidden. */
export class Reload {
  readonly #load: () => Promise<Refusal | undefined>;
  readonly #everyMs: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isLoading = false;
  /** It was asked for while it loaded. */
  #isWanted = false;
  #isStopped = false;
  #isPaused: boolean;

  constructor(load: () => Promise<Refusal | undefined>, everyMs: number | undefined, isPaused: boolean) {
    this.#load = load;
    this.#everyMs = everyMs;
    this.#isPaused = isPaused;
  }

  async now(): Promise<void> {
    if (this.#isLoading) {
      this.#isWanted = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#isLoading = true;
    const refusal = await this.#load();
    this.#isLoading = false;
    if (this.#isStopped) return;
    if (this.#isWanted) {
      this.#isWanted = false;
      void this.now();
    } else this.#plan(refusal);
  }

  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (isPaused) clearTimeout(this.#timer);
    else void this.now();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #plan(refusal: Refusal | undefined): void {
    if (this.#everyMs === undefined || this.#isPaused || refusal?.kind === 'forbidden' || refusal?.kind === 'signedOut') return;
    this.#timer = setTimeout(() => void (document.hidden ? this.#plan(undefined) : this.now()), Math.max(this.#everyMs, (refusal?.retryAfterS ?? 0) * 1000));
  }
}
