import type { View } from 'updraft-client';
import type { LayerKey } from '../map/layers/layer';
import type { Formats } from '../settings/formats';
import type { TravelBar } from '../ui/travel-bar';
import { isPresent } from './present';
import type { Travel } from './travel';

/** Where playing begins when the map is live, ms before now. */
const REPLAY_MS = 15 * 60_000;

type Replay = typeof import('./replay');

export interface TimeTravelEvents {
  /** The map changed between the present and the past, or to another time. */
  moved: () => void;
  /** Positions of the shown time are there. */
  loaded: () => void;
  /** The shown time stands, or there is none any more: the address can have it. */
  stood: () => void;
  /** The code of the past cannot be loaded now. */
  failed: () => void;
}

/** Whether the map shows the present or a time of the past, and the controls that choose it. */
export class TimeTravel {
  readonly #element: HTMLElement;
  readonly #events: TimeTravelEvents;
  #replay: Promise<Replay> | undefined;
  #bar: TravelBar | undefined;
  #travel: Travel | undefined;
  /** Is shown once the code is there. */
  #awaited: number | undefined;

  constructor(element: HTMLElement, events: TimeTravelEvents) {
    this.#element = element;
    this.#events = events;
  }

  /** The past that is shown; undefined: the map is live. */
  get past(): Travel | undefined {
    return this.#travel;
  }

  /** The chosen time of the past; undefined: the present. */
  get at(): number | undefined {
    return this.#travel?.at ?? this.#awaited;
  }

  get isOpen(): boolean {
    return !this.#element.hidden;
  }

  /** Shows this time of the past, or the present where it is that. */
  async seek(at: number): Promise<void> {
    if (isPresent(at, Date.now())) {
      this.goLive();
      return;
    }
    if (this.#travel) this.#travel.seek(at);
    else if (!await this.#begin(at)) return;
    this.#moved();
  }

  async togglePlaying(): Promise<void> {
    if (!this.#travel) await this.seek(Date.now() - REPLAY_MS);
    this.#travel?.setPlaying(!this.#travel.playing);
    this.#events.stood();
  }

  goLive(): void {
    this.#awaited = undefined;
    if (!this.#travel) return;
    this.#travel.stop();
    this.#travel = undefined;
    this.#events.stood();
    this.#moved();
  }

  /** Opens or closes the controls; without them the map is live. */
  toggle(): void {
    if (this.isOpen) this.close();
    else void this.#open();
  }

  close(): void {
    this.#element.hidden = true;
    this.goLive();
  }

  /** Moves the time on, up to the present. */
  update(view: View, now: number): void {
    if (this.#travel && !this.#travel.update(view, now)) this.goLive();
  }

  /** `hidden`: layers that the user has switched off. */
  show(now: number, formats: Formats, hidden: ReadonlySet<LayerKey>): void {
    if (this.isOpen) this.#bar?.show(this.#travel, now, formats, hidden);
  }

  /** False: the user wants the present again, or the code cannot be loaded. */
  async #begin(at: number): Promise<boolean> {
    this.#awaited = at;
    const replay = await this.#open();
    const awaited = this.#awaited;
    this.#awaited = undefined;
    if (!replay || awaited === undefined) return false;
    this.#travel = new replay.Travel(awaited, Date.now(), this.#events.loaded);
    return true;
  }

  async #open(): Promise<Replay | undefined> {
    this.#element.hidden = false;
    try {
      const replay = await (this.#replay ??= import('./replay'));
      this.#bar ??= new replay.TravelBar(this.#element, {
        seek: (at) => void this.seek(at),
        toggle: () => void this.togglePlaying(),
        setSpeed: (speed) => this.#travel?.setSpeed(speed),
        live: () => this.goLive(),
      });
      return replay;
    } catch {
      this.#replay = undefined;
      this.#element.hidden = true;
      this.#events.failed();
      return undefined;
    }
  }

  #moved(): void {
    document.body.classList.toggle('past', this.#travel !== undefined);
    this.#events.moved();
  }
}
