import { h, setText } from '../ui/dom';
import { next, sorted, type Sort, type SortValue } from './sorting';
import { t, type Key } from './texts';

export interface Column<T> {
  label: Key;
  value: (item: T) => SortValue;
  /** What is shown; the value unless it is given. */
  text?: (item: T) => string;
  /** Makes it a link. */
  href?: (item: T) => string | undefined;
  /** A longer text that opens below the short one. */
  more?: (item: T) => string | undefined;
}

/** What can be done about a row. */
export interface RowAction<T> {
  label: Key;
  /** Whether the row offers it. */
  isFor: (item: T) => boolean;
  run: (item: T) => void;
}

export interface TableOptions<T> {
  id: string;
  caption: Key;
  /** Where there are no rows. */
  empty: Key;
  columns: readonly Column<T>[];
  actions?: readonly RowAction<T>[];
  /** Names a row, so that a refresh keeps its element and with it the focus. */
  key: (item: T) => string;
  /** What the row is called in the labels of its buttons. */
  name: (item: T) => string;
  sort: Sort;
  isAlarm?: (item: T) => boolean;
}

/** A table that is sorted by the buttons in its head. A refresh changes only what differs. */
export class Table<T> {
  readonly #options: TableOptions<T>;
  readonly #caption = h('caption');
  readonly #heads: HTMLElement[];
  readonly #body = h('tbody');
  readonly #table: HTMLElement;
  readonly #empty: HTMLElement;
  readonly element: HTMLElement;
  readonly #rows = new Map<string, HTMLTableRowElement>();
  /** The newest item of each row: what its buttons are about. */
  readonly #items = new Map<string, T>();
  #list: readonly T[] = [];
  #sort: Sort;

  constructor(options: TableOptions<T>) {
    this.#options = options;
    this.#sort = options.sort;
    this.#heads = options.columns.map(({ label }, column) => h('th', { scope: 'col' }, h('button', { type: 'button', class: 'sort', onclick: () => this.#sortBy(column) }, t(label))));
    const last = options.actions && h('th', { scope: 'col' }, t('column.actions'));
    this.#table = h('table', { id: options.id, class: 'plain' }, this.#caption, h('thead', {}, h('tr', {}, ...this.#heads, last)), this.#body);
    this.#empty = h('p', { class: 'small' }, t(options.empty));
    // A wide table scrolls in itself, and by the keyboard too.
    const scroll = h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': t(options.caption) }, this.#table);
    this.element = h('div', { class: 'table' }, scroll, this.#empty);
    this.show([]);
  }

  show(items: readonly T[]): void {
    this.#list = items;
    this.#render();
  }

  #sortBy(column: number): void {
    this.#sort = next(this.#sort, column);
    this.#render();
  }

  #render(): void {
    const { columns, key, caption } = this.#options;
    setText(this.#caption, t('table.caption', { caption: t(caption), count: this.#list.length }));
    this.#empty.hidden = this.#list.length > 0;
    for (const [column, head] of this.#heads.entries()) {
      head.setAttribute('aria-sort', column !== this.#sort.column ? 'none' : this.#sort.ascending ? 'ascending' : 'descending');
    }
    const order = sorted(this.#list, columns[this.#sort.column]!.value, this.#sort.ascending);
    const keys = new Set(order.map(key));
    for (const [known, row] of this.#rows) {
      if (keys.has(known)) continue;
      row.remove();
      this.#rows.delete(known);
      this.#items.delete(known);
    }
    for (const [index, item] of order.entries()) {
      this.#items.set(key(item), item);
      const row = this.#rows.get(key(item)) ?? this.#addRow(key(item));
      this.#fill(row, item);
      // A row that is moved loses the focus: only those out of order are.
      if (this.#body.children[index] !== row) this.#body.insertBefore(row, this.#body.children[index] ?? null);
    }
  }

  #addRow(key: string): HTMLTableRowElement {
    const cells = this.#options.columns.map((_, column) => (column === 0 ? h('th', { scope: 'row' }) : h('td')));
    const row = h('tr', {}, ...cells, this.#options.actions && h('td', { class: 'row-actions' }));
    this.#rows.set(key, row);
    return row;
  }

  #fill(row: HTMLTableRowElement, item: T): void {
    const { columns, actions, isAlarm, key, name } = this.#options;
    row.classList.toggle('alarm', isAlarm?.(item) ?? false);
    for (const [index, column] of columns.entries()) fillCell(row.children[index]!, column, item);
    const cell = row.children[columns.length];
    if (!cell || !actions) return;
    const offered = actions.filter(({ isFor }) => isFor(item));
    const labels = offered.map(({ label }) => label).join();
    if (cell.getAttribute('data-actions') === labels) return;
    cell.setAttribute('data-actions', labels);
    cell.replaceChildren(...offered.map(({ label, run }) => h('button', {
      type: 'button', class: 'action', 'data-action': label, 'aria-label': `${t(label)}: ${name(item)}`,
      onclick: () => run(this.#items.get(key(item)) ?? item),
    }, t(label))));
  }
}

function fillCell<T>(cell: Element, { value, text, href, more }: Column<T>, item: T): void {
  const shown = text ? text(item) : String(value(item) ?? '');
  const [target, long] = [href?.(item), more?.(item)];
  const kind = target !== undefined ? 'link' : long !== undefined ? 'more' : 'text';
  if (cell.getAttribute('data-kind') !== kind) {
    cell.setAttribute('data-kind', kind);
    cell.replaceChildren();
    if (kind === 'link') cell.append(h('a', { class: 'file' }));
    if (kind === 'more') cell.append(h('details', {}, h('summary'), h('pre')));
  }
  if (kind === 'text') setText(cell, shown);
  else if (kind === 'link') {
    setText(cell.firstElementChild!, shown);
    cell.firstElementChild!.setAttribute('href', target!);
  } else {
    setText(cell.querySelector('summary')!, shown);
    setText(cell.querySelector('pre')!, long!);
  }
}
