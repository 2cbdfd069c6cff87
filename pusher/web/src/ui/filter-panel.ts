import type { Aircraft, Ground } from 'updraft-client';
import { urgencyOf } from '../live/alerts';
import type { Scene } from '../map/scene';
import { aircraftKind } from '../map/symbols/aircraft';
import { groundKind } from '../map/symbols/ground';
import type { Unit } from '../settings/formats';
import { t } from '../settings/language';
import { h, setText } from './dom';
import { KindChips } from './kind-chips';
import { EVERYTHING, isFiltered, type Filter } from './filter';
import { icon } from './icon-button';

const FLAGS = ['calls', 'favourites', 'group'] as const;

/** Chooses what is shown: kinds of aircraft and of objects on the ground in view, a band of altitude, climbing ones, those that call for help, favourites, the group. */
export class FilterPanel {
  readonly element = h('div', { class: 'filter', id: 'filter', hidden: true });
  readonly button: HTMLButtonElement;
  readonly #kinds = new KindChips(t('list.air'), (kind) => aircraftKind(kind).label(), (kinds) => this.#set({ kinds }));
  readonly #groundKinds = new KindChips(t('list.ground'), (kind) => groundKind(kind).label(), (groundKinds) => this.#set({ groundKinds }));
  readonly #climbing = h('input', { type: 'checkbox' });
  readonly #flags = FLAGS.map((flag) => ({ flag, input: h('input', { type: 'checkbox', name: `filter-${flag}` }) }));
  readonly #groupLabel: HTMLElement;
  readonly #from = h('input', { type: 'number', step: 100, inputmode: 'numeric' });
  readonly #to = h('input', { type: 'number', step: 100, inputmode: 'numeric' });
  readonly #unitLabel = h('span');
  /** Of the altitudes that the user types. */
  #unit: Unit | undefined;
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
    const number = (input: HTMLInputElement) => (Number.isFinite(input.valueAsNumber) ? Math.round(input.valueAsNumber / (this.#unit?.factor ?? 1)) : undefined);
    this.#from.addEventListener('change', () => this.#set({ fromM: number(this.#from) }));
    this.#to.addEventListener('change', () => this.#set({ toM: number(this.#to) }));
    this.element.append(
      this.#kinds.element, this.#groundKinds.element,
      h('label', { class: 'check' }, this.#climbing, t('list.filter.climbing')),
      ...flags,
      h('div', { class: 'band' }, t('list.altitude'), this.#from, t('list.filter.to'), this.#to, this.#unitLabel),
      h('button', { type: 'button', class: 'action', onclick: () => this.#changed(EVERYTHING) }, t('list.filter.clear')));
  }

  /** Calls are never filtered. */
  setPossible(possible: boolean): void {
    this.#possible = possible;
    this.button.hidden = !possible;
    this.element.hidden = !possible || this.button.getAttribute('aria-expanded') !== 'true';
  }

  /** Opens it for the keyboard, or closes it. */
  toggleByKey(): void {
    this.#toggle();
    if (!this.element.hidden) this.element.querySelector<HTMLElement>('button, input')?.focus();
  }

  show({ filter, group, formats }: Scene, inView: readonly Aircraft[], onGround: readonly Ground[]): void {
    const unit = formats.units.altitude;
    if (filter !== this.#filter || unit !== this.#unit) {
      this.#filter = filter;
      this.#showUnit(unit);
      this.#climbing.checked = filter.climbing;
      for (const { flag, input } of this.#flags) input.checked = filter[flag];
      const text = (metres: number | undefined) => (metres === undefined ? '' : String(Math.round(metres * unit.factor)));
      this.#from.value = text(filter.fromM);
      this.#to.value = text(filter.toM);
    }
    this.#groupLabel.hidden = group.size === 0 && !filter.group;
    this.button.classList.toggle('active', isFiltered(filter));
    this.#kinds.show(inView.map(({ kind }) => kind), filter.kinds);
    // Calls pass every filter.
    this.#groundKinds.show(onGround.map(({ kind }) => kind).filter((kind) => urgencyOf(kind) === 'none'), filter.groundKinds);
  }

  #showUnit(unit: Unit): void {
    this.#unit = unit;
    setText(this.#unitLabel, unit.name);
    for (const [input, end] of [[this.#from, 'list.filter.from'], [this.#to, 'list.filter.to']] as const) {
      input.setAttribute('aria-label', `${t('list.altitude')}: ${t(end)} (${unit.name})`);
    }
  }

  #toggle(): void {
    const open = this.element.hidden && this.#possible;
    this.element.hidden = !open;
    this.button.setAttribute('aria-expanded', String(open));
  }

  #set(change: Partial<Filter>): void {
    this.#changed({ ...this.#filter, ...change });
  }
}
