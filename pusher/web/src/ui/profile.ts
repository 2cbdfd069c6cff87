import type { Fix } from '../motion/extrapolate';
import type { Scene } from '../map/scene';
import { climbColour, climbStep } from '../map/symbols/climb';
import { t } from '../settings/language';
import { h, setText } from './dom';

const WIDTH = 280;
const HEIGHT = 64;
const MIN_RANGE_M = 60;
const NS = 'http://www.w3.org/2000/svg';
/** More points than pixels are not visible. */
const MAX_POINTS = 280;

interface Point {
  at: number;
  altitudeM: number;
  climbMps: number | undefined;
  groundM: number | undefined;
}

/** The altitude of a flight as a small picture in the colours of its climb, with the ground below where that is known. */
export class Profile {
  readonly #picture = document.createElementNS(NS, 'svg');
  readonly #numbers = h('p', { class: 'small', 'aria-hidden': 'true' });
  readonly element = h('div', {}, this.#numbers);
  readonly #area = path('area');
  readonly #line = path('line');
  readonly #climb = document.createElementNS(NS, 'g');
  readonly #ground = path('ground');

  constructor() {
    this.#picture.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    this.#picture.setAttribute('preserveAspectRatio', 'none');
    this.#picture.setAttribute('class', 'profile');
    this.#picture.setAttribute('role', 'img');
    this.#climb.setAttribute('class', 'climbs');
    this.element.prepend(this.#picture);
    this.#picture.append(this.#area, this.#line, this.#climb, this.#ground);
  }

  /** Shows nothing with fewer than two known altitudes. */
  show(track: readonly Fix[], { elevationAt, formats }: Scene): void {
    const known = track.filter((fix): fix is Fix & { altitudeM: number } => fix.altitudeM !== undefined);
    const every = Math.ceil(known.length / MAX_POINTS);
    const points: Point[] = known.filter((_, i) => i % every === 0 || i === known.length - 1)
      .map(({ at, altitudeM, climbMps, lat, lon }) => ({ at, altitudeM, climbMps, groundM: elevationAt(lat, lon) }));
    this.element.hidden = points.length < 2;
    const [first, last] = [points[0], points.at(-1)];
    if (!first || !last || first === last) return;
    const all = points.flatMap(({ altitudeM, groundM }) => (groundM === undefined ? [altitudeM] : [altitudeM, groundM]));
    const [lowest, highest] = [Math.min(...all), Math.max(...all)];
    const range = Math.max(MIN_RANGE_M, highest - lowest);
    const base = (highest + lowest - range) / 2;
    const coordinates = (at: number, metres: number) => `${(((at - first.at) / (last.at - first.at)) * WIDTH).toFixed(1)} ${(HEIGHT - 4 - ((metres - base) / range) * (HEIGHT - 8)).toFixed(1)}`;
    const line = points.map(({ at, altitudeM }) => coordinates(at, altitudeM)).join('L');
    this.#line.setAttribute('d', `M${line}`);
    this.#area.setAttribute('d', `M0 ${HEIGHT}L${line}L${WIDTH} ${HEIGHT}Z`);
    this.#showClimb(points, coordinates);
    const ground = points.filter((point): point is Point & { groundM: number } => point.groundM !== undefined);
    const [start, end] = [ground[0], ground.at(-1)];
    this.#ground.setAttribute('d', !start || !end || start === end ? ''
      : `M${coordinates(start.at, base - range)}L${ground.map(({ at, groundM }) => coordinates(at, groundM)).join('L')}L${coordinates(end.at, base - range)}Z`);
    const altitudes = points.map(({ altitudeM }) => altitudeM);
    const [low, high] = [formats.altitude(Math.min(...altitudes)), formats.altitude(Math.max(...altitudes))];
    setText(this.#numbers, `${formats.time(first.at)}–${formats.time(last.at)} · ${low} – ${high}`);
    const label = t('profile.label', { minutes: Math.max(1, Math.round((last.at - first.at) / 60_000)), low, high });
    const text = ground.length > 1 ? `${label}, ${t('profile.ground')}` : label;
    if (this.#picture.getAttribute('aria-label') !== text) this.#picture.setAttribute('aria-label', text);
  }

  /** One path for each colour. */
  #showClimb(points: readonly Point[], coordinates: (at: number, metres: number) => string): void {
    const lines = new Map<string, string>();
    for (const [i, { at, altitudeM, climbMps }] of points.entries()) {
      const before = points[i - 1];
      if (!before || climbMps === undefined) continue;
      const colour = climbColour(climbStep(climbMps));
      lines.set(colour, `${lines.get(colour) ?? ''}M${coordinates(before.at, before.altitudeM)}L${coordinates(at, altitudeM)}`);
    }
    this.#climb.replaceChildren(...[...lines].map(([colour, d]) => {
      const line = path('climb');
      line.setAttribute('stroke', colour);
      line.setAttribute('d', d);
      return line;
    }));
  }
}

function path(name: string): SVGPathElement {
  const element = document.createElementNS(NS, 'path');
  element.setAttribute('class', name);
  return element;
}
