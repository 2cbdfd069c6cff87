import { formatAddress } from '../live/address';
import type { Alert } from '../live/objects';
import { AlertKind, AlertStatus } from '../live/proto/live.js';
import { isDistress, placeOf } from '../map/beacons';
import type { Scene } from '../map/scene';
import { h, setText } from './dom';
import { formatAge, formatTime } from './format';

const KINDS: Record<number, string> = {
  [AlertKind.ALERT_KIND_NEED_RIDE]: 'Needs a ride',
  [AlertKind.ALERT_KIND_NEED_TECHNICAL_SUPPORT]: 'Needs technical support',
  [AlertKind.ALERT_KIND_NEED_MEDICAL_HELP]: 'Needs medical help',
  [AlertKind.ALERT_KIND_DISTRESS]: 'Distress call',
  [AlertKind.ALERT_KIND_AUTOMATIC_DISTRESS]: 'Automatic distress call',
};
const MAX_SHOWN = 3;

/** Says which calls for help were received. It says what is known, and never that help is on its way. */
export class AlertBanner {
  readonly element = h('div', { class: 'alerts', role: 'alert', hidden: true });
  readonly #show: (alert: Alert, place: { lat: number; lon: number } | undefined) => void;
  readonly #rows = new Map<string, HTMLElement>();
  readonly #list = h('ul');
  readonly #more = h('p', { class: 'more' });

  constructor(show: (alert: Alert, place: { lat: number; lon: number } | undefined) => void) {
    this.#show = show;
    this.element.append(this.#list, this.#more, h('p', { class: 'caveat' },
      'Received by radio. This map informs no rescue service and cannot tell whether help is on its way. If you know of an emergency, call 112.'));
  }

  update(scene: Scene): void {
    const distress = [...scene.picture.alerts.values()].filter(isDistress).sort((a, b) => b.openedAt - a.openedAt);
    const shown = distress.slice(0, MAX_SHOWN);
    for (const alert of shown) setText(this.#row(alert, scene).querySelector('span')!, textOf(alert, scene.now));
    const ids = new Set(shown.map(({ id }) => id));
    for (const [id, row] of this.#rows) {
      if (ids.has(id)) continue;
      row.remove();
      this.#rows.delete(id);
    }
    const more = distress.length - shown.length;
    setText(this.#more, more > 0 ? `and ${more} more in this region` : '');
    this.element.hidden = shown.length === 0;
  }

  #row(alert: Alert, scene: Scene): HTMLElement {
    let row = this.#rows.get(alert.id);
    if (!row) {
      const show = () => this.#show(alert, placeOf(alert, scene.picture));
      row = h('li', {}, h('span'), h('button', { type: 'button', onclick: show }, 'Show'));
      this.#rows.set(alert.id, row);
      this.#list.append(row);
    }
    return row;
  }
}

function textOf(alert: Alert, now: number): string {
  const who = alert.name ?? `device ${formatAddress(alert.device)}`;
  const parts = [
    `${KINDS[alert.kind] ?? 'Alert'}: ${who}, since ${formatTime(alert.openedAt)}, last heard ${formatAge(now - alert.at)} ago`,
    alert.unverified && 'not verified',
    alert.status === AlertStatus.ALERT_STATUS_ACKNOWLEDGED && 'seen by an operator',
  ];
  return parts.filter(Boolean).join(' · ');
}
