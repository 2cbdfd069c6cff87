import { h } from './dom';
import { icon, type IconName } from './icon-button';
import { t, type TextKey } from '../settings/language';

type Content = Node | Promise<Node>;

export interface Tool {
  label: TextKey;
  icon: IconName;
  /** The action of the button; absent: it opens its popover. */
  act?: () => void;
  /** Makes the content when it is opened; its code may be loaded then. */
  popover?: { id: string; content: () => Content };
  /** The part of the page that `act` opens and closes. */
  controls?: string;
  /** Only where the list is not always shown. */
  small?: boolean;
  /** Switches something on and off: whether it is on. */
  isOn?: () => boolean;
  /** Only for those who have a keyboard. */
  keyboard?: boolean;
  /** Only once it is shown with `show`. */
  hidden?: boolean;
}

/** The buttons at the corner, each with what it opens. */
export class Tools {
  readonly elements: HTMLElement[];
  readonly #switches: { button: HTMLButtonElement; isOn: () => boolean }[] = [];
  readonly #popovers = new Map<string, { button: HTMLButtonElement; popover: HTMLElement; content: () => Content }>();

  constructor(tools: readonly Tool[]) {
    const buttons = tools.map((tool) => {
      const { popover } = tool;
      const button = icon(tool.label, tool.icon, tool.act ?? (() => this.toggle(popover!.id)), tool.small ? 'only-small' : tool.keyboard ? 'only-keyboard' : '');
      button.hidden = tool.hidden === true;
      if (tool.isOn) this.#switches.push({ button, isOn: tool.isOn });
      if (tool.controls) button.setAttribute('aria-controls', tool.controls);
      if (popover) {
        button.setAttribute('aria-controls', popover.id);
        button.setAttribute('aria-expanded', 'false');
        this.#popovers.set(popover.id, { button, content: popover.content, popover: h('div', { class: 'popover panel', id: popover.id, hidden: true, role: 'group', 'aria-label': button.title }) });
      }
      return button;
    });
    this.showSwitches();
    this.elements = [h('div', { class: 'buttons panel' }, ...buttons), ...[...this.#popovers.values()].map(({ popover }) => popover)];
  }

  /** Opens one and closes the others; closes one that is open. */
  toggle(id: string): void {
    for (const [other, { button, popover, content }] of this.#popovers) {
      const open = other === id && popover.hidden;
      popover.hidden = !open;
      button.setAttribute('aria-expanded', String(open));
      if (open) fill(popover, content());
    }
  }

  /** Shows which of the switches are on. */
  showSwitches(): void {
    for (const { button, isOn } of this.#switches) button.setAttribute('aria-pressed', String(isOn()));
  }

  /** True when one was open. The keyboard's focus returns to its button. */
  close(): boolean {
    const open = [...this.#popovers].find(([, { popover }]) => !popover.hidden);
    if (!open) return false;
    this.toggle(open[0]);
    open[1].button.focus();
    return true;
  }

  /** Shows the button of one that was hidden, or hides it. */
  show(id: string, isShown = true): void {
    const found = this.#popovers.get(id);
    if (!found) return;
    found.button.hidden = !isShown;
    if (!isShown) {
      found.popover.hidden = true;
      found.button.setAttribute('aria-expanded', 'false');
    }
  }

  /** Makes the content of an open one again. */
  refresh(id: string): void {
    const found = this.#popovers.get(id);
    if (found && !found.popover.hidden) fill(found.popover, found.content());
  }
}

function fill(popover: HTMLElement, content: Content): void {
  // What stays keeps the keyboard's focus.
  const put = (node: Node) => { if (popover.firstChild !== node) popover.replaceChildren(node); };
  if (content instanceof Node) put(content);
  else content.then(put, () => put(h('p', { class: 'note', role: 'alert' }, t('tool.failed'))));
}
