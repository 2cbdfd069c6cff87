import { AirPicture, Connection, Session, socketUrl, type Aircraft, type View } from 'updraft-client';
import type { LayerKey } from '../map/layers/layer';
import { Air } from '../motion/air';
import type { Selection } from '../selection';
import { Arrivals } from './arrivals';
import { ReceiverReports } from './receiver-reports';
import { Subscription } from './subscription';
import { Winds } from './winds';
import { Zones } from './zones';

const PRUNE_MS = 10_000;
/** In a wider view reports of receivers, winds and zones are not loaded. */
const MAX_REPORT_SPAN_DEG = 20;

export interface LiveOptions {
  /** Is called with each message. */
  onMessage: () => void;
  /** Of the person who is signed in. */
  token: () => Promise<string | undefined>;
}

/** The present: the air picture with its connection, and what is polled beside it. */
export class Live {
  readonly air = new Air();
  readonly picture = new AirPicture((next, before) => this.#observe(next, before));
  readonly session = new Session(this.picture);
  readonly connection: Connection;
  readonly subscription: Subscription;
  readonly receivers = new ReceiverReports();
  readonly winds = new Winds();
  readonly zones = new Zones();
  readonly #arrivals = new Arrivals();
  #prunedAt = 0;

  constructor(options: LiveOptions) {
    this.connection = new Connection(this.session, socketUrl(), options);
    this.subscription = new Subscription(this.connection, this.session);
  }

  /** When a version of a device came to this page, server's clock, ms; undefined: not as an update. */
  arrivalOf(device: number, version: number): number | undefined {
    const at = this.#arrivals.of(device, version);
    return at === undefined ? undefined : this.session.serverTime(at);
  }

  /** Loads what is polled of a view, where its layer or a wind of it is shown. */
  want({ south, west, north, east }: View, hidden: ReadonlySet<LayerKey>, selection: Selection | undefined, now: number): void {
    const isHidden = (key: LayerKey) => hidden.has(key) && !(key === 'winds' && selection?.kind === 'wind');
    const bounds = (key: LayerKey) => (isHidden(key) || east - west > MAX_REPORT_SPAN_DEG ? undefined : [south, west, north, east] as const);
    this.receivers.want(bounds('receivers'), now);
    this.winds.want(bounds('winds'), now);
    this.zones.want(bounds('zones'), now);
  }

  /** Forgets the motion of aircraft that are not in the air picture any more, now and then. */
  prune(now: number): void {
    if (now - this.#prunedAt < PRUNE_MS) return;
    this.#prunedAt = now;
    const isShown = (device: number) => this.picture.aircraft.get(device) !== undefined;
    this.air.prune(isShown, now);
    this.#arrivals.prune(isShown);
  }

  #observe(next: Aircraft, before: Aircraft | undefined): void {
    const now = Date.now();
    this.air.observe(next, now);
    // The first state comes with a snapshot, at any time after it was made.
    if (before) this.#arrivals.note(next.device, next.version, now);
  }
}
