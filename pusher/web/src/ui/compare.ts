// The flights of several pilots in one profile of altitudes. Loaded when it is opened.
import { formatAddress } from 'updraft-client';
import { Chart, type ChartLine } from '../chart/chart';
import type { Member } from '../group';
import type { Scene } from '../map/scene';
import { AROUND_HOURS, PAST_HOURS, withTrail } from '../motion/past';
import { Tracks } from '../motion/tracks';
import { UNKNOWN } from '../settings/formats';
import { t } from '../settings/language';
import { h, setText } from './dom';
import { stateOf } from './group-state';
import { Sheet } from './sheet';

/** A longer silence breaks the line, ms. */
const GAP_MS = 3 * 60_000;
const DRAW_MS = 1000;

export class Compare {
  readonly #sheet = new Sheet('compare', t('compare.title'));
  readonly #chart = new Chart(300);
  readonly #rows = h('tbody');
  readonly #note = h('p', { class: 'small' });
  readonly #scene: () => Scene;
  readonly #tracks = new Tracks();
  #members: readonly Member[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;

  /** `scene`: the newest. */
  constructor(scene: () => Scene) {
    this.#scene = scene;
    const head = h('thead', {}, h('tr', {}, ...(['list.name', 'compare.now', 'compare.highest'] as const).map((key) => h('th', { scope: 'col' }, t(key)))));
    this.#sheet.body.append(this.#note, this.#chart.element, h('table', { class: 'plain' }, head, this.#rows));
    this.#sheet.onclose = () => clearInterval(this.#timer);
  }

  open(members: readonly Member[]): void {
    this.#members = members;
    this.#tracks.forget();
    this.#sheet.open();
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#draw(), DRAW_MS);
    this.#draw();
  }

  #draw(): void {
    const scene = this.#scene();
    this.#tracks.want(this.#members.map(({ device }) => device), pastTime(scene), Date.now());
    const lines = this.#members.map((member) => this.#line(member, scene));
    const drawn = lines.filter(({ points }) => points.length > 1).length;
    setText(this.#note, drawn < lines.length ? t('compare.some', { count: drawn, all: lines.length, hours: scene.isLive ? PAST_HOURS : AROUND_HOURS }) : '');
    this.#chart.show(lines, {
      label: t('compare.label', { names: lines.map(({ label }) => label).join(', ') }),
      time: (ms, seconds) => (seconds ? scene.formats.timeOfDay(ms) : scene.formats.time(ms)), value: (value) => scene.formats.altitude(value),
    });
    this.#rows.replaceChildren(...this.#members.map(({ device, colour }, i) => {
      const { label, points } = lines[i]!;
      const altitudes = points.map(({ value }) => value).filter((value) => value !== undefined);
      const swatch = h('i', { class: 'swatch' });
      swatch.style.background = colour;
      const highest = altitudes.length === 0 ? UNKNOWN : scene.formats.altitude(altitudes.reduce((a, b) => Math.max(a, b)));
      return h('tr', {}, h('th', { scope: 'row' }, swatch, label), h('td', {}, stateOf(device, scene)), h('td', {}, highest));
    }));
  }

  #line({ device, colour }: Member, scene: Scene): ChartLine {
    const { picture, air } = scene;
    const label = (picture.aircraft.get(device) ?? picture.ground.get(device))?.name ?? formatAddress(device);
    const flight = withTrail(this.#tracks.of(device, pastTime(scene)), air.trails.of(device));
    const points = flight.flatMap(({ at, altitudeM }, i) => {
      const before = flight[i - 1];
      const point = { at, value: altitudeM };
      return before && at - before.at > GAP_MS ? [{ at: at - 1, value: undefined }, point] : [point];
    });
    return { label, colour, points };
  }
}

/** The time of the past that is shown; undefined: the map is live. */
function pastTime({ isLive, now }: Scene): number | undefined {
  return isLive ? undefined : now;
}
