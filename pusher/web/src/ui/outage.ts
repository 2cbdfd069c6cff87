import type { Session } from 'updraft-client';
import type { Formats } from '../settings/formats';
import { t } from '../settings/language';
import { h, setText } from './dom';

/** Shows that the picture gets no updates, since when, and offers to reconnect. */
export class OutageBanner {
  readonly #text = h('span');
  readonly #retry = h('button', { type: 'button', class: 'retry' }, t('outage.retry'));
  readonly element = h('div', { class: 'banner stale', hidden: true }, this.#text, this.#retry);

  constructor(retry: () => void) {
    this.#retry.addEventListener('click', retry);
  }

  show(session: Session, formats: Formats, now: number): void {
    const { status, dataAt } = session;
    const lost = status === 'waiting' || status === 'connecting';
    const never = dataAt === undefined;
    this.element.hidden = !(session.isStale(now) || (status === 'waiting' && session.failedAttempts > 0) || (lost && !never));
    this.#retry.hidden = !lost;
    setText(this.#text, never ? t('outage.never') : t(lost ? 'outage.lost' : 'outage.silent', { time: formats.timeOfDay(dataAt) }));
  }
}
