import { h } from './dom';

/** Chooses some of the kinds that are in view: one button each. */
export class KindChips {
  readonly element: HTMLElement;
  readonly #chips = h('div', { class: 'chips' });
  readonly #label: (kind: number) => string;
  readonly #choose: (kinds: number[]) => void;
  #shown = '';
  #chosen: readonly number[] = [];

  /** `label`: of a kind; `choose`: called with the chosen kinds, none for all. */
  constructor(title: string, label: (kind: number) => string, choose: (kinds: number[]) => void) {
    this.#label = label;
    this.#choose = choose;
    this.element = h('div', { class: 'kinds', role: 'group', 'aria-label': title }, h('span', { class: 'small', 'aria-hidden': 'true' }, title), this.#chips);
  }

  /** `present`: the kinds of the objects in view, each as often as there are objects. */
  show(present: readonly number[], chosen: readonly number[]): void {
    this.#chosen = chosen;
    const kinds = [...new Set([...present, ...chosen])].sort((a, b) => a - b);
    this.element.hidden = kinds.length === 0;
    if (this.#shown !== kinds.join()) {
      this.#shown = kinds.join();
      this.#chips.replaceChildren(...kinds.map((kind) => h('button', { type: 'button', class: 'chip', 'data-kind': kind, onclick: () => this.#toggle(kind) }, this.#label(kind))));
    }
    for (const chip of this.#chips.children) {
      const pressed = String(chosen.includes(Number((chip as HTMLElement).dataset.kind)));
      if (chip.getAttribute('aria-pressed') !== pressed) chip.setAttribute('aria-pressed', pressed);
    }
  }

  #toggle(kind: number): void {
    this.#choose(this.#chosen.includes(kind) ? this.#chosen.filter((one) => one !== kind) : [...this.#chosen, kind]);
  }
}
