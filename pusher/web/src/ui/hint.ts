import { h, setText } from './dom';

/** How long a short notice stays on the page, ms. */
const NOTICE_MS = 6000;

/** One line about the page itself: a short notice, else what is true now. */
export class HintBanner {
  readonly element = h('p', { class: 'banner hint', hidden: true });
  #notice: { text: string; until: number } | undefined;

  /** Shows a text for some seconds. */
  say(text: string): void {
    this.#notice = { text, until: Date.now() + NOTICE_MS };
  }

  /** `standing`: what is shown without a notice; undefined: nothing. */
  show(standing: string | undefined, now: number): void {
    const text = this.#notice && now < this.#notice.until ? this.#notice.text : standing;
    this.element.hidden = text === undefined;
    if (text !== undefined) setText(this.element, text);
  }
}
