import { formatAddress } from '../live/address';
import type { Aircraft } from '../live/objects';
import type { View } from '../live/region';
import type { Scene } from '../map/scene';
import { aircraftKind } from '../map/symbols/aircraft';
import { climbStep } from '../map/symbols/climb';
import { symbolId } from '../map/symbols/resolve';
import { isSelectedDevice, type Selection } from '../selection';
import { h, setText } from './dom';
import { formatClimb, formatWhole } from './format';
import { symbolUrl } from './icon';
import { rank, type SortKey } from './rank';

const MAX_ROWS = 250;
const COLUMNS: readonly [SortKey, string][] = [['name', 'Name'], ['altitude', 'Altitude'], ['climb', 'Climb']];

interface Row {
  element: HTMLButtonElement;
  icon: HTMLImageElement;
  name: HTMLElement;
  altitude: HTMLElement;
  climb: HTMLElement;
}

/** The aircraft in view, to search, sort and select. */
export class AircraftList {
  readonly element: HTMLElement;
  readonly #search = h('input', { type: 'search', placeholder: 'Search a name or address in view', 'aria-label': 'Search in view', autocomplete: 'off' });
  readonly #heads = new Map<SortKey, HTMLButtonElement>();
  readonly #body = h('div', { class: 'rows', id: 'list', tabindex: -1 });
  readonly #note = h('p', { class: 'note' });
  readonly #rows = new Map<number, Row>();
  readonly #pick: (selection: Selection) => void;
  #sort: SortKey = 'altitude';
  #ascending = false;

  /** `changed` is called when the list has to be shown anew. */
  constructor(pick: (selection: Selection) => void, changed: () => void) {
    this.#pick = pick;
    this.#search.addEventListener('input', changed);
    const heads = COLUMNS.map(([key, label]) => {
      const head = h('button', { class: `head ${key}`, type: 'button', onclick: () => { this.#sortBy(key); changed(); } }, label);
      this.#heads.set(key, head);
      return head;
    });
    this.#markSort();
    this.element = h('div', { class: 'list' },
      h('div', { class: 'search' }, this.#search), h('div', { class: 'heads', role: 'group', 'aria-label': 'Sort by' }, ...heads), this.#body, this.#note);
    this.#body.addEventListener('keydown', (event) => moveFocus(event, this.#body));
  }

  focusSearch(): void {
    this.#search.focus();
  }

  show(scene: Scene, view: View): void {
    const all = [...scene.picture.aircraft.values()].filter((aircraft) => isInView(aircraft, view) || scene.followed.has(aircraft.device));
    const ranked = rank(all, { sort: this.#sort, ascending: this.#ascending, search: this.#search.value, first: scene.followed });
    const shown = ranked.slice(0, MAX_ROWS);
    for (const [index, aircraft] of shown.entries()) this.#place(this.#update(aircraft, scene), index);
    const devices = new Set(shown.map(({ device }) => device));
    for (const [device, row] of this.#rows) {
      if (devices.has(device)) continue;
      row.element.remove();
      this.#rows.delete(device);
    }
    setText(this.#note, noteOf(all.length, ranked.length, this.#search.value));
    this.#note.hidden = ranked.length > 0 && ranked.length <= MAX_ROWS;
  }

  #sortBy(key: SortKey): void {
    this.#ascending = this.#sort === key ? !this.#ascending : key === 'name';
    this.#sort = key;
    this.#markSort();
  }

  #markSort(): void {
    for (const [key, head] of this.#heads) {
      head.setAttribute('aria-pressed', String(key === this.#sort));
      head.dataset.order = key === this.#sort ? (this.#ascending ? 'up' : 'down') : '';
    }
  }

  /** Moves a row only when it is not where it belongs, so that the keyboard's focus stays on it. */
  #place(row: Row, index: number): void {
    const there = this.#body.children[index];
    if (there === row.element) return;
    const focused = document.activeElement === row.element;
    this.#body.insertBefore(row.element, there ?? null);
    if (focused) row.element.focus({ preventScroll: true });
  }

  #update(aircraft: Aircraft, { air, now, selection, followed }: Scene): Row {
    const row = this.#rows.get(aircraft.device) ?? this.#add(aircraft.device);
    const step = climbStep(aircraft.climbMps);
    const icon = symbolUrl(symbolId.aircraft(aircraft.kind, step));
    if (row.icon.src !== icon) row.icon.src = icon;
    row.icon.alt = aircraftKind(aircraft.kind).label;
    setText(row.name, aircraft.name ?? formatAddress(aircraft.device));
    setText(row.altitude, formatWhole(air.whereNow(aircraft, now).altitudeM, 'm'));
    setText(row.climb, formatClimb(aircraft.climbMps));
    row.climb.dataset.step = String(step);
    row.element.setAttribute('aria-pressed', String(isSelectedDevice(selection, aircraft.device)));
    row.element.classList.toggle('followed', followed.has(aircraft.device));
    row.element.classList.toggle('alarm', aircraft.alert !== 0);
    row.element.classList.toggle('old', now - aircraft.at > 60_000);
    return row;
  }

  #add(device: number): Row {
    const icon = h('img', { width: 30, height: 30, alt: '' });
    const name = h('span', { class: 'name' });
    const altitude = h('span', { class: 'altitude' });
    const climb = h('span', { class: 'climb' });
    const element = h('button', { class: 'row', type: 'button', onclick: () => this.#pick({ kind: 'device', device }) }, icon, name, altitude, climb);
    const row = { element, icon, name, altitude, climb };
    this.#rows.set(device, row);
    return row;
  }
}

function isInView({ lat, lon }: Aircraft, view: View): boolean {
  const shifted = lon + 360 * Math.ceil((view.west - lon) / 360);
  return lat >= view.south && lat <= view.north && shifted <= view.east;
}

function noteOf(all: number, found: number, search: string): string {
  if (all === 0) return 'No aircraft in view. Move the map, or wait for somebody to take off.';
  if (found === 0) return `Nobody in view matches “${search}”.`;
  return found > MAX_ROWS ? `${found - MAX_ROWS} more are not listed. Zoom in or search.` : '';
}

function moveFocus(event: KeyboardEvent, body: HTMLElement): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const rows = [...body.children] as HTMLElement[];
  rows[rows.indexOf(document.activeElement as HTMLElement) + step]?.focus();
}
