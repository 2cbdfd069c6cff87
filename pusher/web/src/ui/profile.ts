import type { Fix } from '../motion/extrapolate';

const WIDTH = 280;
const HEIGHT = 56;
const MIN_RANGE_M = 60;
const NS = 'http://www.w3.org/2000/svg';

/** The altitude of the last minutes as a small picture. */
export class Profile {
  readonly element = document.createElementNS(NS, 'svg');
  readonly #area = document.createElementNS(NS, 'path');
  readonly #line = document.createElementNS(NS, 'path');

  constructor() {
    this.element.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    this.element.setAttribute('preserveAspectRatio', 'none');
    this.element.setAttribute('class', 'profile');
    this.element.setAttribute('role', 'img');
    this.#area.setAttribute('class', 'area');
    this.#line.setAttribute('class', 'line');
    this.element.append(this.#area, this.#line);
  }

  /** Shows nothing with fewer than two known altitudes. */
  show(trail: readonly Fix[]): void {
    const points = trail.filter((fix): fix is Fix & { altitudeM: number } => fix.altitudeM !== undefined);
    this.element.toggleAttribute('hidden', points.length < 2);
    const [first, last] = [points[0], points.at(-1)];
    if (!first || !last || first === last) return;
    const altitudes = points.map(({ altitudeM }) => altitudeM);
    const lowest = Math.min(...altitudes);
    const highest = Math.max(...altitudes);
    const range = Math.max(MIN_RANGE_M, highest - lowest);
    const base = (highest + lowest - range) / 2;
    const line = points.map(({ at, altitudeM }) => {
      const x = ((at - first.at) / (last.at - first.at)) * WIDTH;
      return `${x.toFixed(1)} ${(HEIGHT - 4 - ((altitudeM - base) / range) * (HEIGHT - 8)).toFixed(1)}`;
    }).join('L');
    this.#line.setAttribute('d', `M${line}`);
    this.#area.setAttribute('d', `M0 ${HEIGHT}L${line}L${WIDTH} ${HEIGHT}Z`);
    const minutes = Math.max(1, Math.round((last.at - first.at) / 60_000));
    this.element.setAttribute('aria-label', `Altitude of the last ${minutes} min, ${Math.round(lowest)} to ${Math.round(highest)} m`);
  }
}
