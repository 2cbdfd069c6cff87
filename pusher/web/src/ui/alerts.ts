import type { Alert, Position } from 'updraft-client';
import { isDistress, openCalls, positionOf } from '../live/alerts';
import type { Scene } from '../map/scene';
import { formatAge } from '../settings/formats';
import { t } from '../settings/language';
import { alertLabel, callerOf, remarksOf } from './calls';
import { h, setText } from './dom';

const MAX_SHOWN = 3;

/**
 * Shows the received calls for help: distress calls in full, other calls as a number with a list. It shows only known
 * facts, and never that help is on its way. Ages change all the time: `Announcer` announces new calls to screen readers.
 */
export class AlertBanner {
  readonly element = h('section', { class: 'calls' });
  readonly #distress = h('div', { class: 'alerts', hidden: true });
  readonly #rows = new Map<string, { row: HTMLElement; text: HTMLElement }>();
  readonly #list = h('ul');
  /** On a small screen: leaves one line of the distress calls. */
  readonly #fold = h('button', { type: 'button', class: 'fold only-small', 'aria-label': t('alert.fold'), 'aria-expanded': 'true' }, '▾');
  readonly #more = h('button', { type: 'button', class: 'more' });
  readonly #calm = h('button', { type: 'button', class: 'banner calm', hidden: true });
  readonly #show: (alert: Alert, position: Position | undefined) => void;

  constructor(show: (alert: Alert, position: Position | undefined) => void, openList: () => void) {
    this.#show = show;
    this.#fold.addEventListener('click', () => this.#setFolded(!this.#distress.classList.contains('folded')));
    this.#distress.append(this.#fold, this.#list, this.#more, h('p', { class: 'caveat' }, t('alert.caveat')));
    for (const button of [this.#calm, this.#more]) button.addEventListener('click', openList);
    this.element.append(this.#distress, this.#calm);
  }

  update(scene: Scene): void {
    const calls = openCalls(scene.picture.alerts.values());
    const distress = calls.filter(isDistress);
    const shown = distress.slice(0, MAX_SHOWN);
    for (const alert of shown) setText(this.#row(alert, scene).text, textOf(alert, scene));
    const ids = new Set(shown.map(({ id }) => id));
    for (const [id, { row }] of this.#rows) {
      if (ids.has(id)) continue;
      row.remove();
      this.#rows.delete(id);
    }
    const more = distress.length - shown.length;
    this.#more.hidden = more <= 0;
    setText(this.#more, `${t('alert.more', { count: more })} · ${t('alert.list')}`);
    this.#distress.hidden = shown.length === 0;
    const calm = calls.length - distress.length;
    this.#calm.hidden = calm === 0;
    setText(this.#calm, `${t('alert.calm', { count: calm })} · ${t('alert.list')}`);
  }

  #setFolded(folded: boolean): void {
    this.#distress.classList.toggle('folded', folded);
    this.#fold.setAttribute('aria-expanded', String(!folded));
    setText(this.#fold, folded ? '▸' : '▾');
  }

  #row(alert: Alert, scene: Scene): { row: HTMLElement; text: HTMLElement } {
    let shown = this.#rows.get(alert.id);
    if (!shown) {
      const show = () => {
        const known = scene.picture.alerts.get(alert.id) ?? alert;
        this.#show(known, positionOf(known, scene.picture));
      };
      const text = h('span');
      shown = { text, row: h('li', {}, text, h('button', { type: 'button', onclick: show }, t('alert.show'))) };
      this.#rows.set(alert.id, shown);
      this.#list.append(shown.row);
      // A new call is shown in full.
      this.#setFolded(false);
    }
    return shown;
  }
}

function textOf(alert: Alert, { now, formats }: Scene): string {
  const parts = [
    `${alertLabel(alert.kind)}: ${callerOf(alert)}, ${t('alert.since', { time: formats.time(alert.openedAt) })}, ${t('alert.heard', { age: formatAge(now - alert.at) })}`,
    ...remarksOf(alert),
  ];
  return parts.join(' · ');
}
