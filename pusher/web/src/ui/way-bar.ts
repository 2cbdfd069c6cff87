import type { Scene } from '../map/scene';
import { HOPS, hopsOf, totalMs, type HopName, type Way } from '../live/way';
import { UNKNOWN } from '../settings/formats';
import { t } from '../settings/language';
import { h, setText } from './dom';
import { formatLatency } from './status';

interface Row {
  segment: HTMLElement;
  value: HTMLElement;
}

/** What each hop of the newest position took, from the receiver to this page: a bar, and the numbers. */
export class WayBar {
  readonly #title = h('summary');
  readonly #rows = new Map<HopName, Row>(HOPS.map((name) => [name, { segment: h('i', { 'data-hop': name }), value: h('dd') }]));
  readonly element: HTMLDetailsElement;

  constructor() {
    const rows = [...this.#rows];
    this.element = h('details', { class: 'way', hidden: true }, this.#title,
      h('div', { class: 'bar', 'aria-hidden': 'true' }, ...rows.map(([, { segment }]) => segment)),
      h('dl', {}, ...rows.flatMap(([name, { value }]) => [h('dt', { 'data-hop': name }, t(`way.${name}`)), value])),
      h('p', { class: 'small' }, t('way.note')));
  }

  /** `way`: of the newest state of a device; undefined: it is not known. */
  show(device: number | undefined, way: Way | undefined, { arrivalOf }: Scene): void {
    const hops = device === undefined || !way ? [] : hopsOf(way, arrivalOf(device, Number(way.version)));
    const total = totalMs(hops);
    this.element.hidden = total === undefined;
    if (total === undefined) return;
    setText(this.#title, t('way.title', { time: formatLatency(total) }));
    for (const { name, ms } of hops) {
      const { segment, value } = this.#rows.get(name)!;
      segment.style.setProperty('flex-grow', String(ms ?? 0));
      segment.hidden = ms === undefined;
      // Full seconds: the frame was received up to a second later than the receiver says.
      setText(value, ms === undefined ? UNKNOWN : name === 'receiver' ? t('way.atMost', { time: formatLatency(ms) }) : formatLatency(ms));
    }
  }
}
