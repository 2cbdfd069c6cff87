import { AddressBar, readState } from './address-bar';
import { baseMapsOf, type Config } from './config';
import type { Followed } from './followed';
import type { Board } from './map/board';
import { LAYER_KEYS, type LayerKey } from './map/layers/layer';
import type { PageActions } from './page-actions';
import type { Choices } from './settings/choices';
import type { ShownState } from './shown-state';
import type { TimeTravel } from './travel/time-travel';
import type { MapState } from './views/saved-views';

export interface LinkSubjects {
  config: Config;
  choices: Choices;
  shown: ShownState;
  followed: Followed;
  board: Board;
  travel: TimeTravel;
}

/** Links to what the page shows: in the address, which is written and read, and in the views that an account keeps. */
export class Links {
  readonly #page: LinkSubjects;
  readonly #actions: PageActions;
  readonly #address = new AddressBar();

  constructor(page: LinkSubjects, actions: PageActions) {
    this.#page = page;
    this.#actions = actions;
    // Before the map's own listener, which is no capturing one.
    addEventListener('hashchange', ({ newURL }) => this.#follow(new URL(newURL).hash), { capture: true });
  }

  write(): void {
    const { shown, followed, travel } = this.#page;
    this.#address.write(shown.toPageState(followed.devices, travel.at));
  }

  /** Writes a state that changes by itself, now and then. */
  writeIfDue(now: number, changing: boolean): void {
    if (this.#address.isDue(now, changing)) this.write();
  }

  /** The state has changed, and is about to change again. */
  markStale(): void {
    this.#address.markStale();
  }

  /** What a saved view brings back. */
  get mapState(): MapState {
    const { choices: { colour, baseMap }, shown: { filter, hidden, raised }, board } = this.#page;
    return { view: board.view, filter, hidden: [...hidden], colour, baseMap, raised };
  }

  /** A base map or terrain that this server does not have is left out. */
  openView({ view, filter, hidden, colour, baseMap, raised }: MapState): void {
    const { config, choices, followed, board } = this.#page;
    followed.release();
    board.showView(view);
    this.#showLayers(hidden, raised);
    this.#actions.prefer({ colour, ...(baseMap !== choices.baseMap && baseMapsOf(config).includes(baseMap) && { baseMap }) });
    this.#actions.setFilter(filter);
  }

  /** The fragment has become `hash`. Since then page or map may have written their states over it: the link counts. */
  #follow(hash: string): void {
    // A fragment without a field is no state of the page.
    if (!hash.includes('=')) return;
    if (location.hash !== hash) history.replaceState(history.state, '', hash);
    this.#open();
  }

  /** A link was opened in this tab. The map takes its region itself, and scripts that write the address cause no such event. */
  #open(): void {
    const { shown, followed, travel } = this.#page;
    const state = readState(location.hash);
    shown.open(state);
    followed.replace(state.followed);
    this.#showLayers(state.hidden, state.raised);
    this.#actions.setFilter(state.filter);
    if (state.at === undefined) travel.goLive();
    else void travel.seek(state.at);
    this.#actions.subscribe();
  }

  #showLayers(hidden: readonly LayerKey[], raised: boolean): void {
    const { shown, config } = this.#page;
    for (const key of LAYER_KEYS) {
      if (hidden.includes(key) !== shown.hidden.has(key)) this.#actions.setVisible(key, shown.hidden.has(key));
    }
    if (config.terrain && raised !== shown.raised) this.#actions.setRaised(raised);
  }
}
