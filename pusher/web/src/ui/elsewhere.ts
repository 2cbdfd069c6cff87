import { AircraftKind, GroundKind, parseAddress, type Position } from 'updraft-client';
import { numberOf } from '../live/json-enum';
import { aircraftKind } from '../map/symbols/aircraft';
import { groundKind } from '../map/symbols/ground';
import type { Selection } from '../selection';
import { t } from '../settings/language';
import { h } from './dom';

/** The smallest number of characters that the server accepts. */
const MIN_CHARACTERS = 2;
/** The search starts once the user has not typed for this time, ms. */
const REST_MS = 400;
const MAX_SHOWN = 8;

export interface Found {
  selection: Selection;
  name: string;
  /** Address and kind: several pilots may have one name. */
  detail: string;
  position: Position;
}

interface Listed {
  device?: string;
  name?: string;
  aircraft_kind?: string | number;
  ground_kind?: string | number;
  position?: { latitude_deg?: number; longitude_deg?: number };
}

/** Search results of the server for a name or an address outside of the view, below the list. */
export class Elsewhere {
  readonly #list = h('div', { class: 'found' });
  readonly element = h('div', { class: 'elsewhere', hidden: true }, h('h3', {}, t('list.elsewhere')), this.#list);
  readonly #pick: (found: Found) => void;
  #wanted = '';
  #timer: ReturnType<typeof setTimeout> | undefined;
  #found: readonly Found[] = [];

  constructor(pick: (found: Found) => void) {
    this.#pick = pick;
  }

  /** `here`: devices that the list already shows. */
  show(search: string, here: ReadonlySet<number>): void {
    const wanted = search.trim();
    if (wanted !== this.#wanted) {
      this.#wanted = wanted;
      this.#found = [];
      clearTimeout(this.#timer);
      if ([...wanted].length >= MIN_CHARACTERS) this.#timer = setTimeout(() => void this.#ask(wanted), REST_MS);
    }
    const shown = this.#found.filter(({ selection }) => !('device' in selection) || !here.has(selection.device)).slice(0, MAX_SHOWN);
    this.element.hidden = shown.length === 0;
    const names = shown.map(({ name, detail }) => `${name} ${detail}`).join('\n');
    if (this.#list.dataset.names === names) return;
    this.#list.dataset.names = names;
    this.#list.replaceChildren(...shown.map((found) => h('button', { type: 'button', class: 'row other who', onclick: () => this.#pick(found) },
      h('span', { class: 'name' }, found.name), h('span', { class: 'detail' }, found.detail))));
  }

  async #ask(wanted: string): Promise<void> {
    try {
      const response = await fetch(`./api/v1/search?q=${encodeURIComponent(wanted)}`, { headers: { accept: 'application/json' } });
      if (response.ok && wanted === this.#wanted) this.#found = foundIn(await response.json() as Record<string, Listed[]>);
    } catch {
      // Without the server only objects in view are found.
    }
  }
}

/** The devices that have a position. */
export function foundIn({ pilots = [], ground = [], stations = [] }: { pilots?: Listed[]; ground?: Listed[]; stations?: Listed[] }): Found[] {
  const read = (kind: 'device' | 'station', kindOf: (listed: Listed) => string) => (listed: Listed): Found[] => {
    const { device: address = '', name, position } = listed;
    const device = parseAddress(address);
    const { latitude_deg: lat, longitude_deg: lon } = position ?? {};
    if (device === undefined || lat === undefined || lon === undefined) return [];
    const detail = [name === undefined ? undefined : address, kindOf(listed)].filter(Boolean).join(' · ');
    return [{ selection: { kind, device }, name: name ?? address, detail, position: { lat, lon } }];
  };
  return [
    ...pilots.flatMap(read('device', ({ aircraft_kind }) => aircraftKind(numberOf(aircraft_kind, 'AIRCRAFT_KIND', AircraftKind)).label())),
    ...ground.flatMap(read('device', ({ ground_kind }) => groundKind(numberOf(ground_kind, 'GROUND_KIND', GroundKind)).label())),
    ...stations.flatMap(read('station', () => t('card.station'))),
  ];
}
