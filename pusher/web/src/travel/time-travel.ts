import type { View } from 'updraft-client';
import type { Formats } from '../settings/formats';
import { TravelBar } from '../ui/travel-bar';
import { isPresent, Travel } from './travel';

/** Where playing begins when the map is live, ms before now. */
const REPLAY_MS = 15 * 60_000;

export interface TimeTravelEvents {
  /** The map changed between the present and the past, or to another time. */
  moved: () => void;
  /** The shown time stands, or there is none any more: the address can have it. */
  stood: () => void;
}

/** Whether the map shows the present or a time of the past, and the controls that choose it. */
export class TimeTravel {
  readonly #element: HTMLElement;
  readonly #bar: TravelBar;
  readonly #events: TimeTravelEvents;
  #travel: Travel | undefined;

  constructor(element: HTMLElement, events: TimeTravelEvents) {
    this.#element = element;
    this.#events = events;
    this.#bar = new TravelBar(element, {
      seek: (at) => this.seek(at),
      toggle: () => this.togglePlaying(),
      setSpeed: (speed) => this.#travel?.setSpeed(speed),
      live: () => this.goLive(),
    });
  }

  /** The time of the past that is shown; undefined: the map is live. */
  get past(): Travel | undefined {
    return this.#travel;
  }

  get isOpen(): boolean {
    return !this.#element.hidden;
  }

  /** Shows this time of the past, or the present where it is that. */
  seek(at: number): void {
    const now = Date.now();
    if (isPresent(at, now)) {
      this.goLive();
      return;
    }
    if (this.#travel) this.#travel.seek(at);
    else this.#travel = new Travel(at, now);
    this.#element.hidden = false;
    this.#moved();
  }

  togglePlaying(): void {
    if (!this.#travel) this.seek(Date.now() - REPLAY_MS);
    this.#travel?.setPlaying(!this.#travel.playing);
    this.#events.stood();
  }

  goLive(): void {
    if (!this.#travel) return;
    this.#travel.stop();
    this.#travel = undefined;
    this.#events.stood();
    this.#moved();
  }

  /** Opens or closes the controls; without them the map is live. */
  toggle(): void {
    if (this.isOpen) this.close();
    else this.#element.hidden = false;
  }

  close(): void {
    this.#element.hidden = true;
    this.goLive();
  }

  /** Moves the time on, up to the present. */
  update(view: View, now: number): void {
    if (this.#travel && !this.#travel.update(view, now)) this.goLive();
  }

  show(now: number, formats: Formats): void {
    if (this.isOpen) this.#bar.show(this.#travel, now, formats);
  }

  #moved(): void {
    document.body.classList.toggle('past', this.#travel !== undefined);
    this.#events.moved();
  }
}
