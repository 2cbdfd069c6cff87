import { FLIGHT_DAYS, type PastFlight } from '../motion/flights';
import { formatAge, type Formats } from '../settings/formats';
import { t } from '../settings/language';
import { h } from './dom';

/** The flights of the last days: a click shows one in place of the last hours. */
export class FlightList {
  readonly #buttons = h('div', { class: 'flights-of' });
  readonly element = h('details', { class: 'flights', hidden: true }, h('summary', {}, t('flights.title', { days: FLIGHT_DAYS })), this.#buttons);
  readonly #pick: (flight: PastFlight | undefined) => void;
  #drawn = '';

  /** `pick`: undefined: the last hours again. */
  constructor(pick: (flight: PastFlight | undefined) => void) {
    this.#pick = pick;
  }

  show(flights: readonly PastFlight[], chosen: PastFlight | undefined, formats: Formats): void {
    this.element.hidden = flights.length === 0;
    const texts = flights.map((flight) => textOf(flight, formats));
    const drawn = JSON.stringify([texts, chosen?.from]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const focused = [...this.#buttons.children].indexOf(document.activeElement!);
    this.#buttons.replaceChildren(...flights.map((flight, i) => {
      const pressed = chosen !== undefined && isSameSecond(flight.from, chosen.from);
      return h('button', { type: 'button', class: 'flight', 'aria-pressed': String(pressed), onclick: () => this.#pick(pressed ? undefined : flight) }, texts[i]);
    }));
    (this.#buttons.children[focused] as HTMLElement | undefined)?.focus();
  }
}

/** A link has no parts of a second. */
function isSameSecond(a: number, b: number): boolean {
  return Math.floor(a / 1000) === Math.floor(b / 1000);
}

/** `14 Jul 2026, 11:02–13:40 · 2 h · 41.2 km · 2810 m`. */
function textOf({ from, to, distanceKm, highestM }: PastFlight, formats: Formats): string {
  return [
    `${formats.date(from)}, ${formats.time(from)}–${formats.time(to)}`, formatAge(to - from), formats.distance(distanceKm),
    highestM === undefined ? '' : formats.altitude(highestM),
  ].filter(Boolean).join(' · ');
}
