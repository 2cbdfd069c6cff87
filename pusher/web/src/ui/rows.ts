import { h } from './dom';

/** Rows drawn beyond the visible ones, on each side. */
const MARGIN = 4;
const ROW_PX = 38;
/** The row height on touch screens. */
const TOUCH_ROW_PX = 46;

export interface Row {
  element: HTMLElement;
}

/** Turns items into rows. */
export interface RowKind<T, R extends Row> {
  key: (item: T) => string | number;
  make: (item: T) => R;
  update: (row: R, item: T) => void;
}

/** A list of any length, of which only the rows in sight are in the document. */
export class VirtualRows<T, R extends Row> {
  readonly element = h('div', { class: 'rows', tabindex: -1 });
  readonly #space = h('div', { class: 'space', role: 'list' });
  readonly #kind: RowKind<T, R>;
  readonly #rows = new Map<string | number, { row: R; item: HTMLElement }>();
  readonly #rowPx = matchMedia('(pointer: coarse)').matches ? TOUCH_ROW_PX : ROW_PX;
  #items: readonly T[] = [];

  constructor(kind: RowKind<T, R>) {
    this.#kind = kind;
    this.element.append(this.#space);
    this.element.style.setProperty('--row', `${this.#rowPx}px`);
    this.element.addEventListener('scroll', () => this.#render(), { passive: true });
    this.element.addEventListener('keydown', (event) => this.#moveFocus(event));
    new ResizeObserver(() => this.#render()).observe(this.element);
  }

  show(items: readonly T[]): void {
    this.#items = items;
    this.#space.style.height = `${items.length * this.#rowPx}px`;
    this.#render();
  }

  #render(): void {
    const first = Math.max(0, Math.floor(this.element.scrollTop / this.#rowPx) - MARGIN);
    const last = Math.ceil((this.element.scrollTop + this.element.clientHeight) / this.#rowPx) + MARGIN;
    const kept = new Set<string | number>();
    this.#items.forEach((item, index) => {
      const key = this.#kind.key(item);
      const inSight = index >= first && index <= last;
      // The keyboard's focus must not be lost with its row.
      if (!inSight && !this.#rows.get(key)?.item.contains(document.activeElement)) return;
      kept.add(key);
      this.#insert(key, item, index);
    });
    for (const [key, { item }] of this.#rows) {
      if (kept.has(key)) continue;
      item.remove();
      this.#rows.delete(key);
    }
  }

  #insert(key: string | number, item: T, index: number): void {
    let shown = this.#rows.get(key);
    if (!shown) {
      const row = this.#kind.make(item);
      shown = { row, item: h('div', { class: 'item', role: 'listitem' }, row.element) };
      this.#rows.set(key, shown);
      this.#space.append(shown.item);
    }
    shown.item.style.transform = `translateY(${index * this.#rowPx}px)`;
    setAttribute(shown.item, 'aria-posinset', String(index + 1));
    setAttribute(shown.item, 'aria-setsize', String(this.#items.length));
    this.#kind.update(shown.row, item);
  }

  #moveFocus(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = this.#items.findIndex((item) => this.#rows.get(this.#kind.key(item))?.item.contains(document.activeElement));
    const next = this.#items[at + step];
    if (next === undefined) return;
    const top = (at + step) * this.#rowPx;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    if (top + this.#rowPx > scrollTop + clientHeight) this.element.scrollTop = top + this.#rowPx - clientHeight;
    this.#render();
    this.#rows.get(this.#kind.key(next))?.row.element.focus({ preventScroll: true });
  }
}

function setAttribute(element: HTMLElement, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}
