import type { Session } from 'updraft-client';
import { formatAge } from '../settings/formats';
import { t } from '../settings/language';
import { h, setText } from './dom';

/** Data without an update for this time has an age, ms. */
const OLD_MS = 5000;

/** The state of the connection; the delay from receiver to screen, and how many updates come, or how old the data is. */
export class StatusChip {
  readonly #state = h('strong', {}, t('status.idle'));
  readonly #numbers = h('span', { class: 'numbers' });
  readonly element = h('div', { class: 'status', 'data-state': 'idle', title: t('status.numbers') }, h('i', { class: 'dot' }), this.#state, this.#numbers);

  /** `isPast`: a time of the past is shown, with or without a connection. */
  show(session: Session, now: number, isPast: boolean): void {
    if (isPast) {
      this.element.dataset.state = 'past';
      setText(this.#state, t('status.past'));
      setText(this.#numbers, '');
      return;
    }
    const stale = session.status === 'live' && session.isStale(now);
    this.element.dataset.state = stale ? 'stale' : session.status;
    setText(this.#state, t(stale ? 'status.stale' : `status.${session.status}`));
    const median = session.stats.medianMs(now);
    const live = session.status === 'live' && !stale;
    setText(this.#numbers, live ? liveText(median, session.stats.rate(now)) : ageText(session.dataAt, now));
  }
}

function liveText(medianMs: number | undefined, perSecond: number): string {
  return medianMs === undefined ? '' : `${formatLatency(medianMs)} · ${formatRate(perSecond)}/s`;
}

function ageText(dataAt: number | undefined, now: number): string {
  const age = dataAt === undefined ? 0 : now - dataAt;
  return age < OLD_MS ? '' : t('status.age', { age: formatAge(age) });
}

/** `87 ms`, `1.2 s`. */
export function formatLatency(ms: number): string {
  return ms < 995 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function formatRate(perSecond: number): string {
  return perSecond < 10 ? perSecond.toFixed(1) : String(Math.round(perSecond));
}
