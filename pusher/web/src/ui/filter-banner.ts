import { t } from '../settings/language';
import { h, setText } from './dom';
import { isFiltered, type Filter } from './filter';

/** While a filter is on, or a fleet is shown alone: how many objects in view it hides, and a button that shows all again. */
export class FilterBanner {
  readonly #text = h('span');
  readonly element: HTMLElement;

  constructor(clear: () => void) {
    const button = h('button', { type: 'button', class: 'clear', onclick: clear }, t('list.filter.clear'));
    this.element = h('div', { class: 'banner filtered', hidden: true }, this.#text, button);
  }

  show(filter: Filter, isAlone: boolean, hidden: number): void {
    this.element.hidden = !isFiltered(filter) && !isAlone;
    setText(this.#text, t('list.filter.hidden', { count: hidden }));
  }
}
