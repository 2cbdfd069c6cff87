// The client's side of the protocol as a state machine: it touches no socket and reads no clock.
import { stayAwayMs, wasTooSlow } from './close';
import type { AirPicture } from './picture';
import type { ClientMessage, Limits, ServerMessage, Snapshot, UpdateBatch } from './proto/live.js';
import { narrowed, type RegionLimits } from './region';
import { UpdateStats } from './stats';
import { isSameSubscription, RATES, subscribeMessage, subscriptionQuery, type Subscription } from './subscription';

/** What the shell has to do. */
export type Effect =
  | { do: 'connect'; query: string }
  | { do: 'send'; message: Partial<ClientMessage> }
  | { do: 'disconnect' };

export type Status = 'idle' | 'connecting' | 'loading' | 'live' | 'waiting';

/** A view that moves asks for a new region when it has rested for so long, ms. */
const SETTLE_MS = 350;
/** A view that never rests asks after this time, ms. */
const RESTLESS_MS = 2000;
/** A server says something every 5 s; after this silence what is shown counts as stale, ms. */
const QUIET_MS = 15_000;
const DEFAULT_HEARTBEAT_S = 30;
const MINUTE_MS = 60_000;
const DEFAULT_SUBSCRIBES_PER_MINUTE = 30;
const DEFAULT_MAX_RADIUS_KM = 200;
/** No message tells the limit of bounds: this much is tried, and less after a refusal. */
const MAX_SPAN_KM = 2000;
const TOO_LARGE = 'region_too_large';

type Refusal = NonNullable<ServerMessage['error']>;

/** A token continues the subscription that it was given for, and no other. */
interface Resume {
  token: string;
  subscription: Subscription;
}

export class Session {
  readonly stats = new UpdateStats();
  readonly picture: AirPicture;

  #status: Status = 'idle';
  #connection = 0;
  #attempt = 0;
  #retryAt = Infinity;
  #heardAt = 0;
  /** Of this connection or attempt. */
  #silentSince = 0;
  #pingAt = Infinity;
  #pingSentAt = 0;
  /** Server's clock minus ours, ms. */
  #clockOffset = 0;
  #heartbeatMs = DEFAULT_HEARTBEAT_S * 1000;
  #limits: Limits | undefined;
  #epoch: string | undefined;
  #serverStale = false;
  #lastError: string | undefined;
  #spanRefused = false;
  /** Of RATES; higher is slower. */
  #rate = 0;

  #wanted: Subscription | undefined;
  #wantedAt = 0;
  #restlessSince = 0;
  #requestId = 0;
  /** By request id; 0 is the one of the address. */
  readonly #asked = new Map<number, Subscription>();
  #asking: Subscription | undefined;
  #confirmed: Subscription | undefined;
  #subscribes: number[] = [];
  #resume: Resume | undefined;
  #resuming = false;

  readonly #random: () => number;

  constructor(picture: AirPicture, random: () => number = Math.random) {
    this.picture = picture;
    this.#random = random;
  }

  get status(): Status {
    return this.#status;
  }

  /** What the server last refused, and why. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** How much of a view the server gives. */
  get regionLimits(): RegionLimits {
    const maxRadiusKm = this.#limits?.max_radius_km || DEFAULT_MAX_RADIUS_KM;
    return { maxRadiusKm, maxSpanKm: this.#spanRefused ? maxRadiusKm * Math.SQRT2 : MAX_SPAN_KM };
  }

  get maxFollowed(): number {
    return this.#limits?.max_followed_devices || 1;
  }

  /** True when what is shown gets older and nobody renews it. */
  isStale(now: number): boolean {
    return this.#serverStale || (this.#heardAt > 0 && now - this.#heardAt > QUIET_MS);
  }

  /** Says what the user looks at now. The first time it connects, later it asks once the view rests. */
  want(subscription: Subscription, now: number): Effect[] {
    if (this.#wanted && isSameSubscription(this.#wanted, subscription)) return [];
    if (this.#wanted === this.#asking) this.#restlessSince = now;
    this.#wanted = subscription;
    this.#wantedAt = now;
    this.picture.setFollowed(subscription.follow);
    return this.#status === 'idle' ? this.#connect(now) : [];
  }

  received(message: ServerMessage, now: number): Effect[] {
    this.#heardAt = now;
    this.#silentSince = now;
    switch (message.message) {
      case 'welcome': return this.#welcomed(message.welcome!, now);
      case 'snapshot': return this.#snapshot(message.snapshot!, now);
      case 'updates': this.#updated(message.updates!, now); return [];
      case 'present': this.picture.keepPresent(message.present!, this.#connection); return [];
      case 'checkpoint':
        if (this.#confirmed) this.#resume = { token: message.checkpoint!.resume, subscription: this.#confirmed };
        return [];
      case 'pong': this.#ponged(message.pong!.server_at_us, now); return [];
      case 'error': this.#refused(message.error!); return [];
      default: return [];
    }
  }

  /** The connection is gone, with the code of its close frame (1006: without one). */
  closed(code: number, now: number): Effect[] {
    if (wasTooSlow(code)) this.#rate = Math.min(this.#rate + 1, RATES.length - 1);
    if (this.#resuming && this.#status === 'connecting') this.#resume = undefined;
    this.#status = 'waiting';
    this.#pingAt = Infinity;
    this.#asked.clear();
    this.#retryAt = now + stayAwayMs(code, this.#attempt++, this.#random);
    return [];
  }

  /** The network is back: no reason to wait longer. */
  hurry(now: number): Effect[] {
    if (this.#status === 'waiting') this.#retryAt = now;
    return this.tick(now);
  }

  /** To be called a few times per second. */
  tick(now: number): Effect[] {
    if (this.#status === 'waiting') return now >= this.#retryAt ? this.#connect(now) : [];
    if (this.#status === 'idle') return [];
    if (now - this.#silentSince > 2 * this.#heartbeatMs) {
      this.#silentSince = now;
      return [{ do: 'disconnect' }];
    }
    return [...this.#ping(now), ...this.#subscribe(now)];
  }

  #connect(now: number): Effect[] {
    if (!this.#wanted) return [];
    // A refusal of the address would say nothing: the first region is one that every server gives.
    const subscription = this.#resume?.subscription
      ?? { ...this.#wanted, region: narrowed(this.#wanted.region, this.regionLimits.maxRadiusKm) };
    this.#status = 'connecting';
    this.#connection++;
    this.#silentSince = now;
    this.#retryAt = Infinity;
    this.#resuming = this.#resume !== undefined;
    // The address carries no followed devices, so that a subscription with some is asked for again once connected.
    this.#asking = { ...subscription, follow: [] };
    this.#asked.set(0, this.#asking);
    return [{ do: 'connect', query: subscriptionQuery(subscription, RATES[this.#rate]!, this.#resume?.token) }];
  }

  #welcomed(welcome: NonNullable<ServerMessage['welcome']>, now: number): Effect[] {
    this.#status = 'loading';
    this.#attempt = 0;
    this.#limits = welcome.limits;
    this.#heartbeatMs = (welcome.heartbeat_interval_s || DEFAULT_HEARTBEAT_S) * 1000;
    this.#clockOffset = welcome.server_at_us / 1000 - now;
    this.#serverStale = false;
    if (this.#epoch !== undefined && this.#epoch !== welcome.epoch) this.picture.clear();
    this.#epoch = welcome.epoch;
    this.#pingAt = now;
    return this.#ping(now);
  }

  #snapshot(snapshot: Snapshot, now: number): Effect[] {
    const first = snapshot.request_id === 0;
    const subscription = this.#asked.get(snapshot.request_id);
    if (snapshot.page === 0) {
      if (first && (!this.#resuming || snapshot.resumed === false)) this.picture.clear();
      // The token says that the client has what was just dropped.
      if (snapshot.resumed === false) this.#resume = undefined;
      if (snapshot.cells.length > 0) this.picture.setCells(snapshot.cells);
      if (subscription) this.picture.setKinds(subscription.kinds);
    }
    if (snapshot.objects) this.picture.put(snapshot.objects, { now, connection: this.#connection });
    if (snapshot.live) {
      this.#asked.delete(snapshot.request_id);
      if (subscription) this.#confirmed = subscription;
      this.#status = 'live';
    }
    return [];
  }

  #updated(batch: UpdateBatch, now: number): void {
    if (batch.objects) {
      this.picture.put(batch.objects, { now, connection: this.#connection });
      const onTheWay = Math.max(0, now + this.#clockOffset - batch.server_at_us / 1000);
      for (const update of batch.objects.aircraft) this.stats.add(update.age_ds * 100 + onTheWay, now);
    }
    for (const removal of batch.removals) this.picture.remove(removal);
    this.#serverStale = batch.stale ?? this.#serverStale;
  }

  #ponged(serverAtUs: number, now: number): void {
    this.#clockOffset = serverAtUs / 1000 - (this.#pingSentAt + now) / 2;
  }

  /** What was refused is not asked for again until the view changes. */
  #refused({ request_id, code, message }: Refusal): void {
    const refused = request_id === undefined ? undefined : this.#asked.get(request_id);
    if (request_id) this.#asked.delete(request_id);
    if (code === TOO_LARGE && refused && 'bounds' in refused.region) this.#spanRefused = true;
    else this.#lastError = message;
  }

  #ping(now: number): Effect[] {
    if (now < this.#pingAt) return [];
    this.#pingAt = now + this.#heartbeatMs;
    this.#pingSentAt = now;
    return [{ do: 'send', message: { request_id: ++this.#requestId, ping: {} } }];
  }

  #subscribe(now: number): Effect[] {
    const wanted = this.#wanted;
    if (!wanted || this.#status === 'connecting' || this.#asked.has(0)) return [];
    if (now - this.#wantedAt < SETTLE_MS && now - this.#restlessSince < RESTLESS_MS) return [];
    if (this.#asking && isSameSubscription(this.#asking, wanted)) return [];
    if (!this.#maySubscribe(now)) return [];
    this.#asking = wanted;
    this.#lastError = undefined;
    const request_id = ++this.#requestId;
    this.#asked.set(request_id, wanted);
    return [{ do: 'send', message: { request_id, subscribe: subscribeMessage(wanted) } }];
  }

  #maySubscribe(now: number): boolean {
    this.#subscribes = this.#subscribes.filter((at) => now - at < MINUTE_MS);
    if (this.#subscribes.length >= (this.#limits?.max_subscribes_per_minute || DEFAULT_SUBSCRIBES_PER_MINUTE)) return false;
    this.#subscribes.push(now);
    return true;
  }
}
