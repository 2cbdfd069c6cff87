import { h } from '../ui/dom';
import { t, type Key } from './texts';

export interface Tab {
  id: string;
  label: Key;
}

/** A list of tabs after the pattern of WAI-ARIA: one is in the order of Tab, the arrow keys choose another. */
export class Tabs {
  readonly element: HTMLElement;
  readonly #buttons: HTMLButtonElement[];
  readonly #choose: (id: string) => void;

  /** `panel`: the id of what a tab shows. */
  constructor(tabs: readonly Tab[], panel: string, choose: (id: string) => void) {
    this.#choose = choose;
    this.#buttons = tabs.map(({ id, label }) => h('button', {
      type: 'button', role: 'tab', class: 'tab', id: `tab-${id}`, 'data-tab': id, 'aria-controls': panel, onclick: () => choose(id),
    }, t(label)));
    this.element = h('div', { class: 'tabs', role: 'tablist', 'aria-label': t('tabs') }, ...this.#buttons);
    this.element.addEventListener('keydown', (event) => this.#onKey(event));
  }

  select(id: string): void {
    for (const button of this.#buttons) {
      const isChosen = button.dataset.tab === id;
      button.setAttribute('aria-selected', String(isChosen));
      button.tabIndex = isChosen ? 0 : -1;
    }
  }

  #onKey(event: KeyboardEvent): void {
    const at = this.#buttons.findIndex((button) => button === document.activeElement);
    const last = this.#buttons.length - 1;
    const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const button = this.#buttons[to]!;
    button.focus();
    this.#choose(button.dataset.tab!);
  }
}
