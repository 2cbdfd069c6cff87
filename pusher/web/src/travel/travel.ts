import type { View } from 'updraft-client';
import { PastClock, type Speed } from './clock';
import { PastLoader, type Trouble } from './loader';
import { PastAir } from './past-air';
import { PastGround } from './past-ground';
import { PastThermals } from './past-thermals';
import { isPresent } from './present';

/** The map at a time of the past, standing or played. */
export class Travel {
  readonly #loader: PastLoader;
  readonly #clock: PastClock;
  readonly #thermals = new PastThermals();
  readonly #ground = new PastGround();
  readonly air: PastAir;

  /** `loaded`: positions have come. */
  constructor(at: number, now: number, loaded: () => void) {
    this.#clock = new PastClock(at, now);
    this.#loader = new PastLoader(loaded);
    this.air = new PastAir(this.#loader.timeline, this.#thermals, this.#ground);
  }

  /** The time that is shown, ms since the Unix epoch. */
  get at(): number {
    return this.#clock.at;
  }

  get playing(): boolean {
    return this.#clock.playing;
  }

  get speed(): Speed {
    return this.#clock.speed;
  }

  /** Whether the positions of this time are on their way. */
  get loading(): boolean {
    return this.#clock.waiting && this.trouble === undefined;
  }

  get trouble(): Trouble | undefined {
    return this.#loader.trouble;
  }

  /** Loaded positions. */
  get positions(): number {
    return this.#loader.timeline.size;
  }

  seek(at: number): void {
    this.#clock.at = at;
  }

  setPlaying(playing: boolean): void {
    this.#clock.playing = playing;
  }

  setSpeed(speed: Speed): void {
    this.#clock.speed = speed;
  }

  /** Moves on and loads; returns false once it has reached the present. `now`: the user's clock. */
  update(view: View, now: number): boolean {
    this.#clock.tick(now, this.#loader.loadedUntil(this.at));
    if (isPresent(this.at, now)) return false;
    this.load(view, now);
    this.air.show(this.at);
    return true;
  }

  /** Requests what is missing at the time that is shown. */
  load(view: View, now: number): void {
    this.#loader.want({ view, at: this.at, speed: this.speed, now });
    this.#ground.want(view, this.at, now);
    this.#thermals.want(view, this.at, now);
  }

  stop(): void {
    this.#loader.stop();
    this.#thermals.stop();
    this.#ground.stop();
  }
}
