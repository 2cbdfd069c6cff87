// Aircraft that were not heard of since they flew: the worst first. Loaded when it is opened.
import { formatAddress, type View } from 'updraft-client';
import { writeState, FIRST_STATE } from '../address-bar';
import { fetchSilent, type Silent, type SilentList } from '../live/silent';
import type { Scene } from '../map/scene';
import { aircraftKind } from '../map/symbols/aircraft';
import { groundKind } from '../map/symbols/ground';
import { trackUrl } from '../motion/past';
import { formatAge, formatCourse, formatPosition, UNKNOWN } from '../settings/formats';
import { t, type TextKey } from '../settings/language';
import { navigationUrl, positionText } from './actions';
import { choice } from './choices';
import { h, setText } from './dom';
import { copy } from './share';
import { Sheet } from './sheet';

/** The list is loaded again after this time, ms. */
const REFRESH_MS = 60_000;
/** Ages and heights above ground are written again after this time, ms: tiles of the terrain come one by one. */
const REDRAW_MS = 1000;
/** Of a link to the place. */
const ZOOM = 12;
const COLUMNS: readonly TextKey[] = ['list.name', 'silent.since', 'silent.then', 'fact.position', 'silent.coverage', 'fact.receivedBy', 'silent.ground', 'silent.links'];

/** Whether those of the map's view are listed, or all. */
const AREAS = ['view', 'everywhere'] as const;
type Area = (typeof AREAS)[number];

export interface SilentOptions {
  /** The newest. */
  scene: () => Scene;
  view: () => View;
  /** Shows an aircraft at the time of its last position. */
  show: (silent: Silent, at: number) => void;
}

export class SilentView {
  readonly #options: SilentOptions;
  readonly #sheet = new Sheet('silent', t('tool.silent'));
  readonly #note = h('p', { class: 'small' }, t('silent.note'));
  readonly #state = h('p', { class: 'small' });
  readonly #rows = h('tbody');
  readonly #table = h('table', { class: 'plain' }, h('thead', {}, h('tr', {}, ...COLUMNS.map((key) => h('th', { scope: 'col' }, t(key))))), this.#rows);
  #area: Area = 'view';
  #timers: ReturnType<typeof setInterval>[] = [];
  /** The cells of each row that change by themselves. */
  #changing: { silent: Silent; since: HTMLElement; then: HTMLElement }[] = [];

  constructor(options: SilentOptions) {
    this.#options = options;
    const area = choice('silent-area', t('silent.area'), AREAS.map((one) => [one, t(`silent.${one}`)] as const), this.#area, (chosen) => {
      this.#area = chosen;
      void this.#load();
    });
    this.#sheet.body.append(this.#note, area, this.#state, this.#table);
    this.#sheet.onclose = () => this.#timers.forEach(clearInterval);
  }

  open(): void {
    this.#sheet.open();
    this.#rows.replaceChildren();
    this.#changing = [];
    this.#table.hidden = true;
    setText(this.#state, t('travel.loading'));
    this.#timers.forEach(clearInterval);
    this.#timers = [setInterval(() => void this.#load(), REFRESH_MS), setInterval(() => this.#redraw(), REDRAW_MS)];
    void this.#load();
  }

  async #load(): Promise<void> {
    const area = this.#area;
    const list = await fetchSilent(area === 'view' ? this.#options.view() : undefined);
    if (!this.#sheet.isOpen || area !== this.#area) return;
    setText(this.#state, stateOf(list, area));
    if (!list) return;
    const scene = this.#options.scene();
    this.#table.hidden = list.aircraft.length === 0;
    const focused = document.activeElement?.id;
    this.#changing = [];
    this.#rows.replaceChildren(...list.aircraft.map((silent) => this.#row(silent, scene)));
    this.#redraw();
    // The list is loaded again under the user's hands.
    if (focused) document.getElementById(focused)?.focus();
  }

  #redraw(): void {
    const scene = this.#options.scene();
    for (const { silent, since, then } of this.#changing) {
      // Of now, also where the map shows the past.
      setText(since, t('silent.ago', { time: scene.formats.dateTime(silent.since), age: formatAge(Date.now() - silent.since) }));
      setText(then, thenOf(silent, scene));
    }
  }

  #row(silent: Silent, scene: Scene): HTMLElement {
    const { formats } = scene;
    const at = silent.since;
    const address = formatAddress(silent.device);
    const name = silent.name ?? address;
    const id = (what: string) => `silent-${address}-${what}`;
    const { position } = silent;
    const [since, then] = [h('td'), h('td')];
    this.#changing.push({ silent, since, then });
    const show = h('a', { id: id('show'), class: 'file', href: linkTo(silent, at), 'aria-label': `${t('silent.show')}: ${name}` }, t('silent.show'));
    show.addEventListener('click', (event) => {
      event.preventDefault();
      this.#sheet.element.close();
      this.#options.show(silent, at);
    });
    const file = `${address}-${new Date(silent.since).toISOString().slice(0, 10)}.gpx`;
    const gpx = h('a', { id: id('gpx'), class: 'file', href: trackUrl(silent.device, 'gpx', { from: silent.takeOffAt, to: silent.since }), download: file, 'aria-label': `GPX: ${name}` }, 'GPX');
    const geo = h('a', { id: id('geo'), class: 'file', href: navigationUrl(position), 'aria-label': `${t('action.navigate')}: ${name}` }, t('action.navigate'));
    const copied: HTMLButtonElement = h('button', {
      id: id('copy'), type: 'button', class: 'file', 'aria-label': `${t('action.copy')}: ${name}`, onclick: () => void copy(positionText(position), copied, t('action.copy')),
    }, t('action.copy'));
    return h('tr', { class: silent.calls ? 'alarm' : '' },
      h('th', { scope: 'row' }, name, h('br'), h('span', { class: 'small' }, aircraftKind(silent.kind).label())),
      since, then,
      h('td', {}, formatPosition(position.lat, position.lon)),
      h('td', {}, silent.covering.join(', ') || t('silent.no')),
      h('td', {}, silent.receivers.join(', ') || UNKNOWN),
      h('td', {}, silent.ground ? t('silent.groundAt', { kind: groundKind(silent.ground.kind).label(), time: formats.time(silent.ground.at) }) : t('silent.nothing')),
      h('td', {}, h('span', { class: 'files' }, show, geo, copied, gpx)));
  }
}

/** `undefined`: it could not be loaded. */
function stateOf(list: SilentList | undefined, area: Area): string {
  if (!list) return t('silent.failed');
  const isView = area === 'view';
  if (list.aircraft.length === 0) return t(isView ? 'silent.none' : 'silent.noneAnywhere');
  return list.truncated ? t(isView ? 'silent.more' : 'silent.moreElsewhere') : '';
}

/** `2100 m (350 m AGL), −6.1 m/s, 38 km/h, 250° WSW`. */
function thenOf({ position, altitudeM, climbMps, speedKmh, courseDeg }: Silent, { formats, elevationAt }: Scene): string {
  const above = formats.aboveGround(altitudeM, altitudeM === undefined ? undefined : elevationAt(position.lat, position.lon));
  return [
    altitudeM === undefined ? '' : `${formats.altitude(altitudeM)}${above && ` (${above})`}`,
    climbMps === undefined ? '' : `${formats.climb(climbMps)} ${formats.climbUnit}`,
    speedKmh === undefined ? '' : formats.speed(speedKmh),
    courseDeg === undefined ? '' : formatCourse(courseDeg),
  ].filter(Boolean).join(', ');
}

/** The page at that place and time. */
function linkTo({ device, position }: Silent, at: number): string {
  const map = `map=${ZOOM}/${position.lat.toFixed(4)}/${position.lon.toFixed(4)}`;
  return `${location.pathname}${location.search}${writeState(map, { ...FIRST_STATE, selection: { kind: 'device', device }, at })}`;
}
