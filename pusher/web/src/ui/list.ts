import { formatAddress, type Aircraft, type Alert, type Ground, type Position, type View } from 'updraft-client';
import { isDistress, openCalls, positionOf, urgencyOf } from '../live/alerts';
import { newText } from '../live/messages';
import type { LayerKey } from '../map/layers/layer';
import type { Scene } from '../map/scene';
import { aircraftKind } from '../map/symbols/aircraft';
import { climbStep } from '../map/symbols/climb';
import { colourStep } from '../map/symbols/colour';
import { groundKind } from '../map/symbols/ground';
import { symbolId } from '../map/symbols/resolve';
import { isSelectedDevice, type Selection } from '../selection';
import { formatAge } from '../settings/formats';
import { t, type TextKey } from '../settings/language';
import { callerOf, callText } from './calls';
import { h, setText } from './dom';
import { passes, passesGround, type Filter } from './filter';
import { Elsewhere } from './elsewhere';
import { FilterPanel } from './filter-panel';
import { symbolUrl } from './icon';
import { matches, rank, rankGround, type SortKey } from './rank';
import { VirtualRows } from './rows';

const COLUMNS: readonly [SortKey, TextKey][] = [['name', 'list.name'], ['altitude', 'list.altitude'], ['climb', 'list.climb']];
const TABS = ['air', 'ground', 'calls'] as const;
export type Tab = (typeof TABS)[number];
/** Without its layer a tab is empty. */
const LAYERS: Partial<Record<Tab, 'aircraft' | 'ground'>> = { air: 'aircraft', ground: 'ground' };
const OLD_MS = 60_000;

export interface Counts {
  /** Aircraft of the view that pass the filter: the number that the page shows everywhere. */
  aircraft: number;
  /** Objects of the view that the filter hides. */
  hidden: number;
}

interface Row {
  element: HTMLButtonElement;
  icon: HTMLImageElement;
  name: HTMLElement;
  /** The second line below the name: its state, and since when. */
  detail: HTMLElement;
  altitude: HTMLElement;
  climb: HTMLElement;
}

/** The objects in view: aircraft, people on the ground, open calls; to search, sort, filter and select. */
export class ObjectList {
  readonly element: HTMLElement;
  readonly #search = h('input', { type: 'search', placeholder: t('list.search'), 'aria-label': t('list.search'), autocomplete: 'off' });
  readonly #heads = new Map<SortKey, HTMLButtonElement>();
  readonly #headRow = h('div', { class: 'heads', role: 'group', 'aria-label': t('list.sort') });
  readonly #tabs = new Map<Tab, { button: HTMLButtonElement; count: HTMLElement }>();
  readonly #note = h('p', { class: 'note' });
  readonly #silent = h('button', { type: 'button', class: 'action silent' }, t('tool.silent'));
  readonly #filter: FilterPanel;
  readonly #elsewhere: Elsewhere;
  readonly #rows: { air: VirtualRows<Aircraft, Row>; ground: VirtualRows<Ground, Row>; calls: VirtualRows<Alert, Row> };
  #tab: Tab = 'air';
  #sort: SortKey = 'altitude';
  #ascending = false;
  #scene: Scene | undefined;
  /** Calls are those of now, also where the map shows the past. */
  #present: Scene | undefined;

  /**
   * `pick` gets a position where the air picture may have none, `changed` is called when the list has to be shown again,
   * `filtered` when the user changed the filter, `openSilent` for those who were not heard of since, `pickCall` with a call.
   */
  constructor(pick: (selection: Selection, position?: Position) => void, changed: () => void, filtered: (filter: Filter) => void, openSilent: () => void, pickCall: (call: Alert, position: Position | undefined) => void) {
    this.#silent.addEventListener('click', openSilent);
    this.#elsewhere = new Elsewhere(({ selection, position }) => pick(selection, position));
    this.#search.addEventListener('input', changed);
    this.#filter = new FilterPanel(filtered);
    for (const [key, label] of COLUMNS) {
      const head = h('button', { class: `head ${key}`, type: 'button', onclick: () => { this.#sortBy(key); changed(); } }, t(label));
      this.#heads.set(key, head);
      this.#headRow.append(head);
    }
    this.#markSort();
    const tabs = TABS.map((tab) => this.#makeTab(tab, changed));
    this.#rows = {
      air: new VirtualRows({ key: ({ device }) => device, make: ({ device }) => this.#make(() => pick({ kind: 'device', device })), update: (row, one) => this.#updateAircraft(row, one) }),
      ground: new VirtualRows({ key: ({ device }) => device, make: ({ device }) => this.#make(() => pick({ kind: 'device', device }), 'short'), update: (row, one) => this.#updateGround(row, one) }),
      calls: new VirtualRows({
        key: ({ id }) => id, make: ({ id }) => this.#make(() => this.#pickCall(id, pickCall), 'short'),
        update: (row, one) => this.#updateCall(row, one),
      }),
    };
    const body = h('div', { class: 'body', id: 'list', role: 'tabpanel', tabindex: -1, 'aria-label': t('list.title') }, ...TABS.map((tab) => this.#rows[tab].element), this.#note, this.#silent, this.#elsewhere.element);
    this.element = h('div', { class: 'list' },
      h('div', { class: 'tabs', role: 'tablist', onkeydown: (event) => this.#moveTab(event as KeyboardEvent) }, ...tabs),
      h('div', { class: 'search' }, this.#search, this.#filter.button), this.#filter.element, this.#headRow, body);
    this.open('air');
  }

  focusSearch(): void {
    this.#search.focus();
  }

  open(tab: Tab): void {
    this.#tab = tab;
    for (const [key, { button }] of this.#tabs) {
      button.setAttribute('aria-selected', String(key === tab));
      button.tabIndex = key === tab ? 0 : -1;
      this.#rows[key].element.hidden = key !== tab;
    }
    this.#headRow.hidden = tab !== 'air';
    this.#silent.hidden = tab !== 'calls';
    this.#filter.setPossible(tab !== 'calls');
  }

  toggleFilter(): void {
    if (this.#tab === 'calls') this.open('air');
    this.#filter.toggleByKey();
  }

  /** Shows a scene, and the calls of the present. `hidden`: the layers that are off. */
  show(scene: Scene, present: Scene, view: View, hidden: ReadonlySet<LayerKey>): Counts {
    this.#scene = scene;
    this.#present = present;
    const inView = [...scene.picture.aircraft.values()].filter((one) => isInView(one, view) || scene.followed.has(one.device) || scene.group.has(one.device));
    const aircraft = inView.filter((one) => passes(one, scene.filter, scene));
    const onGround = [...scene.picture.ground.values()].filter((one) => isInView(one, view) || scene.followed.has(one.device) || scene.group.has(one.device));
    const ground = onGround.filter((one) => passesGround(one, scene.filter, scene));
    const calls = openCalls(present.picture.alerts.values());
    this.#count('air', aircraft.length);
    this.#count('ground', ground.length);
    this.#count('calls', calls.length);
    this.#tabs.get('calls')!.button.classList.toggle('alarm', calls.some(isDistress));
    const search = this.#search.value;
    const found = {
      air: rank(aircraft, { sort: this.#sort, ascending: this.#ascending, search, first: new Set([...scene.followed, ...scene.group.keys(), ...scene.favourites]) }),
      ground: rankGround(ground.filter((one) => matches(one, search))),
      calls: calls.filter((one) => matches(one, search)),
    };
    this.#filter.show(scene, inView, onGround);
    if (this.#tab === 'air') this.#rows.air.show(found.air);
    else if (this.#tab === 'ground') this.#rows.ground.show(found.ground);
    else this.#rows.calls.show(found.calls);
    this.#elsewhere.show(search, new Set([...inView, ...ground].map(({ device }) => device)));
    const all = { air: inView, ground: onGround, calls }[this.#tab].length;
    const empty = found[this.#tab].length === 0;
    this.#note.hidden = !empty;
    const layer = LAYERS[this.#tab];
    if (empty && all === 0 && layer && hidden.has(layer)) setText(this.#note, t('list.off', { layer: t(`layer.${layer}`) }));
    else if (empty) setText(this.#note, all === 0 ? t(`list.empty.${this.#tab}`) : t('list.none'));
    return { aircraft: aircraft.length, hidden: inView.length - aircraft.length + onGround.length - ground.length };
  }

  /** As it is known now: the row may be older. */
  #pickCall(id: string, pick: (call: Alert, position: Position | undefined) => void): void {
    const { picture } = this.#present!;
    const call = picture.alerts.get(id);
    if (call) pick(call, positionOf(call, picture));
  }

  #makeTab(tab: Tab, changed: () => void): HTMLButtonElement {
    const count = h('span', { class: 'count' });
    const button = h('button', {
      type: 'button', class: 'tab', role: 'tab', 'aria-controls': 'list', 'data-tab': tab, onclick: () => { this.open(tab); changed(); },
    }, t(`list.${tab}`), count);
    this.#tabs.set(tab, { button, count });
    return button;
  }

  #moveTab(event: KeyboardEvent): void {
    const step = { ArrowRight: 1, ArrowLeft: TABS.length - 1 }[event.key];
    if (!step) return;
    const next = this.#tabs.get(TABS[(TABS.indexOf(this.#tab) + step) % TABS.length]!)!.button;
    next.click();
    next.focus();
  }

  #count(tab: Tab, count: number): void {
    setText(this.#tabs.get(tab)!.count, count === 0 ? '' : String(count));
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

  /** `short`: its values need little space. */
  #make(pick: () => void, width: 'short' | '' = ''): Row {
    const icon = h('img', { width: 30, height: 30, alt: '' });
    const name = h('span', { class: 'name' });
    const detail = h('span', { class: 'detail' });
    const altitude = h('span', { class: 'altitude' });
    const climb = h('span', { class: 'climb' });
    const element = h('button', { class: `row ${width}`, type: 'button', onclick: pick }, icon, h('span', { class: 'who' }, name, detail), altitude, climb);
    return { element, icon, name, detail, altitude, climb };
  }

  #updateAircraft(row: Row, aircraft: Aircraft): void {
    const { now, selection, formats, elevationAt } = this.#scene!;
    const step = climbStep(aircraft.climbMps);
    setIcon(row.icon, symbolId.aircraft(aircraft.kind, 'climb', colourStep('climb', aircraft.climbMps)), aircraftKind(aircraft.kind).label());
    setText(row.name, aircraft.name ?? formatAddress(aircraft.device));
    const age = now - aircraft.at;
    const agl = formats.aboveGround(aircraft.altitudeM, elevationAt(aircraft.lat, aircraft.lon));
    setText(row.detail, [newText(aircraft, now), this.#identity(aircraft, aircraftKind(aircraft.kind).label()), agl, age > OLD_MS ? t('fact.ago', { age: formatAge(age), time: formats.time(aircraft.at) }) : ''].filter(Boolean).join(' · '));
    setText(row.altitude, formats.altitude(aircraft.altitudeM));
    setText(row.climb, formats.climb(aircraft.climbMps));
    row.climb.dataset.step = String(step);
    mark(row.element, aircraft.device, this.#scene!, isSelectedDevice(selection, aircraft.device), aircraft.alert !== 0, age > OLD_MS);
  }

  #updateGround(row: Row, ground: Ground): void {
    const { now, selection } = this.#scene!;
    setIcon(row.icon, symbolId.ground(ground.kind), '');
    setText(row.name, ground.name ?? formatAddress(ground.device));
    setText(row.detail, [newText(ground, now), this.#identity(ground), groundKind(ground.kind).label()].filter(Boolean).join(' · '));
    setText(row.altitude, formatAge(now - ground.at));
    setText(row.climb, this.#distanceTo(ground));
    mark(row.element, ground.device, this.#scene!, isSelectedDevice(selection, ground.device), urgencyOf(ground.kind) === 'distress', false);
  }

  #updateCall(row: Row, alert: Alert): void {
    const { picture, now, selection, formats } = this.#present!;
    const ground = picture.ground.get(alert.device);
    setIcon(row.icon, symbolId.ground(ground?.kind ?? alert.kind), '');
    setText(row.name, callerOf(alert));
    setText(row.detail, callText(alert, formats));
    setText(row.altitude, formatAge(now - alert.at));
    const position = positionOf(alert, picture);
    setText(row.climb, position ? this.#distanceTo(position) : '');
    mark(row.element, alert.device, this.#scene!, isSelectedDevice(selection, alert.device), isDistress(alert), false);
  }

  /** Of a search result: what distinguishes it from others with its name. */
  #identity({ device, name }: { device: number; name?: string }, kind = ''): string {
    if (this.#search.value.trim() === '') return '';
    return [name === undefined ? '' : formatAddress(device), kind].filter(Boolean).join(' · ');
  }

  /** Without the direction: a row is too narrow for it. */
  #distanceTo(position: Position): string {
    return this.#scene!.distanceFromHere(position)?.split(',')[0] ?? '';
  }
}

function setIcon(icon: HTMLImageElement, id: string, alt: string): void {
  const url = symbolUrl(id);
  if (icon.src !== url) icon.src = url;
  icon.alt = alt;
}

function mark(element: HTMLElement, device: number, { followed, favourites, group }: Scene, selected: boolean, alarm: boolean, old: boolean): void {
  if (element.getAttribute('aria-pressed') !== String(selected)) element.setAttribute('aria-pressed', String(selected));
  element.classList.toggle('followed', followed.has(device));
  element.classList.toggle('favourite', favourites.has(device));
  const colour = group.get(device) ?? '';
  element.classList.toggle('member', colour !== '');
  if (element.style.getPropertyValue('--member') !== colour) element.style.setProperty('--member', colour);
  element.classList.toggle('alarm', alarm);
  element.classList.toggle('old', old);
}

function isInView({ lat, lon }: { lat: number; lon: number }, view: View): boolean {
  const shifted = lon + 360 * Math.ceil((view.west - lon) / 360);
  return lat >= view.south && lat <= view.north && shifted <= view.east;
}
