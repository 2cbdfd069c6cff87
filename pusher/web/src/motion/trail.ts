import type { Fix } from './extrapolate';

/** How long a track is shown, ms. */
export const TRAIL_MS = 10 * 60_000;
const MAX_POINTS = 400;
const MAX_TRAILS = 5000;
/** A longer silence breaks the line, ms. */
export const TRAIL_GAP_MS = 60_000;

/** The tracks of the last minutes as they were received. Bounded in time, points and devices. */
export class Trails {
  readonly gapMs = TRAIL_GAP_MS;
  readonly #trails = new Map<number, Fix[]>();

  add(device: number, fix: Fix): void {
    const trail = this.#trails.get(device) ?? [];
    this.#trails.delete(device);
    this.#trails.set(device, trail);
    const last = trail.at(-1);
    if (last && fix.at <= last.at) return;
    trail.push(fix);
    const oldest = fix.at - TRAIL_MS;
    const keep = trail.findIndex((point) => point.at >= oldest);
    const surplus = Math.max(keep, trail.length - MAX_POINTS);
    if (surplus > 0) trail.splice(0, surplus);
    if (this.#trails.size > MAX_TRAILS) this.#forgetOldest();
  }

  /** Oldest first. */
  of(device: number): readonly Fix[] {
    return this.#trails.get(device) ?? [];
  }

  /** Forgets tracks whose newest point is too old to be shown. */
  prune(now: number): void {
    for (const [device, trail] of this.#trails) {
      if ((trail.at(-1)?.at ?? 0) < now - TRAIL_MS) this.#trails.delete(device);
    }
  }

  #forgetOldest(): void {
    const oldest = this.#trails.keys().next();
    if (!oldest.done) this.#trails.delete(oldest.value);
  }
}
