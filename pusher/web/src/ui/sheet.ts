import { t } from '../settings/language';
import { h } from './dom';

/** A large window over the page, which keeps the keyboard's focus until it is closed. */
export class Sheet {
  readonly body = h('div', { class: 'sheet-body' });
  readonly element: HTMLDialogElement;
  onclose: () => void = () => {};

  constructor(id: string, title: string, ...tools: (Node | false)[]) {
    const close = h('button', { type: 'button', class: 'close', 'aria-label': t('sheet.close'), onclick: () => this.element.close() }, '×');
    this.element = h('dialog', { id, class: 'sheet panel', 'aria-labelledby': `${id}-title` }, h('header', {}, h('h2', { id: `${id}-title` }, title), ...tools, close), this.body);
    this.element.addEventListener('close', () => this.onclose());
    document.body.append(this.element);
  }

  get isOpen(): boolean {
    return this.element.open;
  }

  open(): void {
    if (!this.element.open) this.element.showModal();
  }
}
