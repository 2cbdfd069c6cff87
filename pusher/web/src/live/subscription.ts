import { isWider, padded, regionOf, suits, type Connection, type Region, type Session, type View } from 'updraft-client';
import { kindsWithout } from '../map/kinds';
import type { LayerKey } from '../map/layers/layer';

/** What the page subscribes to: a region around the view, within the limits of the server. */
export class Subscription {
  readonly #connection: Connection;
  readonly #session: Session;
  /** The last requested one. */
  #region: Region | undefined;

  constructor(connection: Connection, session: Session) {
    this.#connection = connection;
    this.#session = session;
  }

  /** Requests what a view needs. `clamped`: is called with a new region that is smaller than the view; undefined: it is not. */
  want(view: View, hidden: ReadonlySet<LayerKey>, follow: number[], fleet: string | undefined, clamped: (region: Region | undefined) => void): void {
    const limits = this.#session.regionLimits;
    if (!this.#region || !suits(this.#region, view, limits)) {
      const wide = padded(view);
      this.#region = regionOf(isWider(wide, limits) ? view : wide, limits);
      clamped(isWider(view, limits) ? this.#region : undefined);
    }
    // For notifications of those who are followed.
    this.#connection.want({ region: this.#region, kinds: kindsWithout(hidden), follow, zoneEvents: follow.length > 0, ...(fleet !== undefined && { fleet }) });
  }

  /** Kilometres from the middle to the rim of the live region; undefined: the full view is live. */
  liveRadiusKm(view: View): number | undefined {
    const limits = this.#session.regionLimits;
    if (!this.#region || !isWider(view, limits)) return undefined;
    return 'circle' in this.#region ? this.#region.circle.radius_km : limits.maxSpanKm / 2;
  }
}
