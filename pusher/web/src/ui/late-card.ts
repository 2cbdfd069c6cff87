import type { Scene } from '../map/scene';
import type { Card, CardActions } from './card';

/** Without a selection the code of the details is loaded so long after the start, ms: aircraft come first. */
const LOAD_AFTER_MS = 3000;
/** After a failure the next attempt comes after this time, ms. */
const RETRY_MS = 3000;

/** The details of the selected object, whose code is loaded after what is needed to show aircraft. */
export class LateCard {
  readonly #element: HTMLElement;
  readonly #actions: CardActions;
  readonly #events: { loaded: () => void; failed: () => void };
  #card: Card | undefined;
  #loading: Promise<void> | undefined;
  #notBefore = 0;

  /** `loaded`: the details of a selection can be shown; `failed`: they cannot be loaded now. */
  constructor(element: HTMLElement, actions: CardActions, events: { loaded: () => void; failed: () => void }) {
    this.#element = element;
    this.#actions = actions;
    this.#events = events;
    // A failure before it is needed concerns no one.
    setTimeout(() => this.#load(() => {}), LOAD_AFTER_MS);
  }

  show(scene: Scene): void {
    if (this.#card) this.#card.show(scene);
    else if (scene.selection && Date.now() >= this.#notBefore) this.#load(this.#events.failed);
  }

  /** Calls `then` once the details take their place on the page, at once where they have it; also where they cannot be loaded. */
  async whenPlaced(then: () => void): Promise<void> {
    await this.#loading;
    then();
  }

  #load(failed: () => void): void {
    if (this.#card || this.#loading) return;
    this.#loading = import('./card').then(({ Card }) => {
      this.#card = new Card(this.#element, this.#actions);
      this.#events.loaded();
    }, () => {
      this.#notBefore = Date.now() + RETRY_MS;
      failed();
    }).finally(() => { this.#loading = undefined; });
  }
}
