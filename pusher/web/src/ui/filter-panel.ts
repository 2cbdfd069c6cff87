import type { Aircraft } from 'updraft-client';
import type { Scene } from '../map/scene';
import { aircraftKind } from '../map/symbols/aircraft';
import { t } from '../settings/language';
import { h } from './dom';
import { EVERYTHING, isFiltered, type Filter } from './filter';
import { icon } from './icon-button';

const FLAGS = ['calls', 'favourites', 'group'] as const;

/** Chooses which aircraft are shown: kinds in view, a band of altitude, climbing ones, those that call for help, favourites, the group. */
export class FilterPanel {
  readonly element = h('div', { class: 'filter', id: 'filter', hidden: true });
  readonly button: HTMLButtonElement;
  readonly #kinds = h('div', { class: 'chips', role: 'group', 'aria-label': t('list.filter.types') });
  readonly #climbing = h('input', { type: 'checkbox' });
  readonly #flags = FLAGS.map((flag) => ({ flag, input: h('input', { type: 'checkbox', name: `filter-${flag}` }) }));
  readonly #groupLabel: HTMLElement;
  readonly #from = h('input', { type: 'number', step: 100, inputmode: 'numeric', 'aria-label': `${t('list.altitude')}: ${t('list.filter.from')} (m)` });
  readonly #to = h('input', { type: 'number', step: 100, inputmode: 'numeric', 'aria-label': `${t('list.altitude')}: ${t('list.filter.to')} (m)` });
  readonly #changed: (filter: Filter) => void;
  #filter = EVERYTHING;
  #possible = true;

  constructor(changed: (filter: Filter) => void) {
    this.#changed = changed;
    this.button = icon('list.filter', 'filter', () => this.#toggle());
    this.button.setAttribute('aria-controls', 'filter');
    this.button.setAttribute('aria-expanded', 'false');
    this.#climbing.addEventListener('change', () => this.#set({ climbing: this.#climbing.checked }));
    for (const { flag, input } of this.#flags) input.addEventListener('change', () => this.#set({ [flag]: input.checked }));
    const flags = this.#flags.map(({ flag, input }) => h('label', { class: 'check' }, input, t(`list.filter.${flag}`)));
    this.#groupLabel = flags[FLAGS.indexOf('group')]!;
    const number = (input: HTMLInputElement) => (input.value === '' || !Number.isFinite(input.valueAsNumber) ? undefined : input.valueAsNumber);
    this.#from.addEventListener('change', () => this.#set({ fromM: number(this.#from) }));
    this.#to.addEventListener('change', () => this.#set({ toM: number(this.#to) }));
    this.element.append(
      this.#kinds,
      h('label', { class: 'check' }, this.#climbing, t('list.filter.climbing')),
      ...flags,
      h('div', { class: 'band' }, t('list.altitude'), this.#from, t('list.filter.to'), this.#to, 'm'),
      h('button', { type: 'button', class: 'action', onclick: () => this.#changed(EVERYTHING) }, t('list.filter.clear')));
  }

  /** Calls are never filtered. */
  setPossible(possible: boolean): void {
    this.#possible = possible;
    this.button.hidden = !possible;
    this.element.hidden = !possible || this.button.getAttribute('aria-expanded') !== 'true';
  }

  show({ filter, group }: Scene, inView: readonly Aircraft[]): void {
    if (filter !== this.#filter) {
      this.#filter = filter;
      this.#climbing.checked = filter.climbing;
      for (const { flag, input } of this.#flags) input.checked = filter[flag];
      this.#from.value = String(filter.fromM ?? '');
      this.#to.value = String(filter.toM ?? '');
    }
    this.#groupLabel.hidden = group.size === 0 && !filter.group;
    this.button.classList.toggle('active', isFiltered(filter));
    const kinds = [...new Set([...inView.map(({ kind }) => kind), ...filter.kinds])].sort((a, b) => a - b);
    const wanted = kinds.join();
    if (this.#kinds.dataset.kinds !== wanted) {
      this.#kinds.dataset.kinds = wanted;
      this.#kinds.replaceChildren(...kinds.map((kind) => h('button', { type: 'button', class: 'chip', 'data-kind': kind, onclick: () => this.#toggleKind(kind) }, aircraftKind(kind).label())));
    }
    for (const chip of this.#kinds.children) {
      const pressed = String(filter.kinds.includes(Number((chip as HTMLElement).dataset.kind)));
      if (chip.getAttribute('aria-pressed') !== pressed) chip.setAttribute('aria-pressed', pressed);
    }
  }

  #toggle(): void {
    const open = this.element.hidden && this.#possible;
    this.element.hidden = !open;
    this.button.setAttribute('aria-expanded', String(open));
  }

  #toggleKind(kind: number): void {
    const { kinds } = this.#filter;
    this.#set({ kinds: kinds.includes(kind) ? kinds.filter((one) => one !== kind) : [...kinds, kind] });
  }

  #set(change: Partial<Filter>): void {
    this.#changed({ ...this.#filter, ...change });
  }
}
