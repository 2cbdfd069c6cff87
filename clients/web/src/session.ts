// The client's side of the protocol as a state machine: it touches no socket and reads no clock.
import { stayAwayMs, wasTooSlow } from './close.js';
import type { AirPicture } from './picture.js';
import type { ClientMessage, Limits, ServerMessage, Snapshot, UpdateBatch, ZoneEventUpdate } from './proto/live.js';
import { narrowed, type RegionLimits } from './region.js';
import { UpdateStats } from './stats.js';
import { intervalMs, isSameSubscription, RATES, subscribeMessage, subscriptionQuery, type Rate, type Subscription } from './subscription.js';

/** The effects that the caller has to run. */
export type Effect =
  | { do: 'connect'; query: string }
  | { do: 'send'; message: Partial<ClientMessage> }
  | { do: 'disconnect' };

export type Status = 'idle' | 'connecting' | 'loading' | 'live' | 'waiting' | 'paused';

/** A moving view requests a new region when it has not moved for this time, ms. */
const REST_MS = 350;
/** A view that never stops moving requests one after this time, ms. */
const RESTLESS_MS = 2000;
/** A server sends a message at least every 5 s, or as often as changes come; without one for so much longer the picture is stale, ms. */
const QUIET_MS = 15_000;
/** A refusal that ends by itself is asked about again after this time, and up to as much again, ms. */
const ASK_AGAIN_MS = 5000;
/** Refusals of what the same subscription may get some seconds later. */
const PASSING: readonly string[] = ['too_many_subscribes', 'fleet_unavailable'];
const DEFAULT_HEARTBEAT_S = 30;
const MINUTE_MS = 60_000;
const DEFAULT_SUBSCRIBES_PER_MINUTE = 30;
const DEFAULT_MAX_RADIUS_KM = 200;
/** Until the server sends its limit of bounds, this size is requested, and less after a refusal. */
const DEFAULT_MAX_SPAN_KM = 2000;
const TOO_LARGE = 'region_too_large';
/** The fleet was removed, or the credentials are of no member any more. */
const FLEET_ENDED = 'fleet_ended';

type Refusal = NonNullable<ServerMessage['error']>;

/** A token resumes only the subscription that it was issued for. */
interface Resume {
  token: string;
  subscription: Subscription;
}

export class Session {
  readonly stats = new UpdateStats();
  readonly picture: AirPicture;
  /** Called with aircraft that entered and left zones, where the subscription asks for them. */
  onZoneEvents: ((events: readonly ZoneEventUpdate[]) => void) | undefined;

  #status: Status = 'idle';
  #connection = 0;
  #attempt = 0;
  #retryAt = Infinity;
  #receivedAt = 0;
  /** When the last message was received or the attempt started, client's clock, ms. */
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
  /** Of RATES; higher is slower: what the network can carry at most. */
  #lineRate = 0;
  /** Of RATES: what the user's conditions allow. */
  #chosenRate = 0;
  /** Of RATES: the one that was requested last. */
  #requestedRate = 0;

  #wanted: Subscription | undefined;
  #wantedAt = 0;
  #restlessSince = 0;
  #requestId = 0;
  /** By request id; 0 is the one of the address. */
  readonly #requested = new Map<number, Subscription>();
  #asking: Subscription | undefined;
  /** Nothing is asked for before this time, client's clock, ms. */
  #notBefore = 0;
  /** The fleet that the server does not give on this connection: with it, it would refuse the region too. */
  #refusedFleet: string | undefined;
  #confirmed: Subscription | undefined;
  #subscribes: number[] = [];
  #resume: Resume | undefined;
  #resuming = false;
  /** A fleet was named on this connection. */
  #hadFleet = false;

  readonly #random: () => number;

  constructor(picture: AirPicture, random: () => number = Math.random) {
    this.picture = picture;
    this.#random = random;
  }

  get status(): Status {
    return this.#status;
  }

  /** Whether the next connection can catch up from a resume token. */
  get isResumable(): boolean {
    return this.#resume !== undefined;
  }

  /** When the server last sent a message, client's clock; undefined: never. */
  get dataAt(): number | undefined {
    return this.#receivedAt || undefined;
  }

  /** The server's clock at a time of the client's, ms. */
  serverTime(at: number): number {
    return at + this.#clockOffset;
  }

  /** Consecutive failed attempts to connect. */
  get failedAttempts(): number {
    return this.#attempt;
  }

  /** The last error of the server. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** The server's limits of a view. */
  get regionLimits(): RegionLimits {
    const maxRadiusKm = this.#limits?.max_radius_km || DEFAULT_MAX_RADIUS_KM;
    return { maxRadiusKm, maxSpanKm: this.#spanRefused ? maxRadiusKm * Math.SQRT2 : this.#limits?.max_bounds_km || DEFAULT_MAX_SPAN_KM };
  }

  /** How often changes come at most: the slower one of the chosen rate and of what the network can carry. */
  get rate(): Rate {
    return RATES[this.#rate]!;
  }

  get #rate(): number {
    return Math.max(this.#lineRate, this.#chosenRate);
  }

  get maxFollowed(): number {
    return this.#limits?.max_followed_devices || 1;
  }

  /** True when the picture gets no updates. */
  isStale(now: number): boolean {
    return this.#serverStale || (this.#receivedAt > 0 && now - this.#receivedAt > QUIET_MS + intervalMs(this.rate));
  }

  /** Sets the user's view. Connects the first time; later subscribes once the view stops moving. */
  want(subscription: Subscription, now: number): Effect[] {
    if (this.#wanted && isSameSubscription(this.#wanted, subscription)) return [];
    if (this.#isAnswered) this.#restlessSince = now;
    this.#wanted = subscription;
    this.#wantedAt = now;
    this.picture.setFollowed(subscription.follow);
    return this.#status === 'idle' ? this.#connect(now) : [];
  }

  /** Whether the newest wish is what was asked for. */
  get #isAnswered(): boolean {
    if (!this.#wanted || !this.#asking) return this.#wanted === this.#asking;
    return isSameSubscription(without(this.#wanted, this.#refusedFleet), this.#asking);
  }

  /** Chooses a rate class; an open connection changes to it at its next turn. */
  setRate(rate: Rate): void {
    this.#chosenRate = RATES.indexOf(rate);
  }

  /** Closes the connection until `unpause`. What is known stays, and so does the resume token. */
  pause(): Effect[] {
    if (this.#status === 'paused' || this.#status === 'idle') return [];
    const connected = this.#status !== 'waiting';
    this.#status = 'paused';
    this.#retryAt = Infinity;
    return connected ? [{ do: 'disconnect' }] : [];
  }

  /** Connects again and catches up from the resume token. */
  unpause(now: number): Effect[] {
    return this.#status === 'paused' ? this.#connect(now) : [];
  }

  received(message: ServerMessage, now: number): Effect[] {
    this.#receivedAt = now;
    this.#silentSince = now;
    switch (message.message) {
      case 'welcome': return this.#welcomed(message.welcome!, now);
      case 'snapshot': return this.#snapshot(message.snapshot!, now);
      case 'updates': this.#updated(message.updates!, now); return [];
      case 'present': this.picture.keepPresent(message.present!, this.#connection, this.#confirmed?.follow); return [];
      case 'checkpoint':
        if (this.#confirmed) this.#resume = { token: message.checkpoint!.resume, subscription: this.#confirmed };
        return [];
      case 'zone_events': this.onZoneEvents?.(message.zone_events!.events); return [];
      case 'pong': this.#ponged(message.pong!.server_at_us, now); return [];
      case 'error': this.#refused(message.error!, now); return [];
      default: return [];
    }
  }

  /** The connection is closed, with the code of its close frame (1006: without one). */
  closed(code: number, now: number): Effect[] {
    if (wasTooSlow(code)) this.#lineRate = Math.min(this.#rate + 1, RATES.length - 1);
    if (this.#resuming && this.#status === 'connecting') this.#resume = undefined;
    this.#pingAt = Infinity;
    this.#requested.clear();
    if (this.#status === 'paused') return [];
    this.#status = 'waiting';
    this.#retryAt = now + stayAwayMs(code, this.#attempt++, this.#random);
    return [];
  }

  /** The network is back: reconnect without waiting. */
  hurry(now: number): Effect[] {
    if (this.#status === 'waiting') this.#retryAt = now;
    return this.tick(now);
  }

  /** To be called a few times per second. */
  tick(now: number): Effect[] {
    if (this.#status === 'waiting') return now >= this.#retryAt ? this.#connect(now) : [];
    if (this.#status === 'idle' || this.#status === 'paused') return [];
    if (now - this.#silentSince > 2 * this.#heartbeatMs) {
      this.#silentSince = now;
      return [{ do: 'disconnect' }];
    }
    return [...this.#ping(now), ...this.#subscribe(now)];
  }

  #connect(now: number): Effect[] {
    if (!this.#wanted) return [];
    // The refusal of an address gives no reason: the first region is one that every server accepts.
    const subscription = this.#resume?.subscription
      ?? { ...this.#wanted, region: narrowed(this.#wanted.region, this.regionLimits.maxRadiusKm) };
    this.#status = 'connecting';
    this.#connection++;
    this.#silentSince = now;
    this.#retryAt = Infinity;
    this.#resuming = this.#resume !== undefined;
    // The address contains neither followed devices nor a fleet, so a subscription with some is sent again once connected.
    const { fleet: _, ...rest } = subscription;
    this.#asking = { ...rest, follow: [] };
    this.#hadFleet = false;
    this.#refusedFleet = undefined;
    this.#requested.set(0, this.#asking);
    this.#requestedRate = this.#rate;
    return [{ do: 'connect', query: subscriptionQuery(subscription, this.rate, this.#resume?.token) }];
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
    const subscription = this.#requested.get(snapshot.request_id);
    if (snapshot.page === 0) {
      if (first && (!this.#resuming || snapshot.resumed === false)) this.picture.clear();
      // The token covers objects that are dropped here: those of another region, or of kinds that are not wanted any more.
      if (snapshot.resumed === false || !first) this.#resume = undefined;
      // Before the cells, so that what stays is not dropped between them.
      if (snapshot.fleet || !first || this.#wanted?.fleet === undefined) this.picture.setFleet(snapshot.fleet?.devices);
      if (snapshot.cells.length > 0) this.picture.setCells(snapshot.cells);
      if (subscription) this.picture.setKinds(subscription.kinds);
    }
    if (snapshot.objects) this.picture.put(snapshot.objects, { now, connection: this.#connection });
    if (snapshot.live) {
      this.#requested.delete(snapshot.request_id);
      if (subscription) this.#confirmed = subscription;
      this.#status = 'live';
    }
    return [];
  }

  #updated(batch: UpdateBatch, now: number): void {
    if (batch.fleet) this.picture.setFleet(batch.fleet.devices);
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

  /** A refused subscription is sent again when the view changes, or after a while where the refusal ends by itself; without its fleet at once. */
  #refused({ request_id, code, message }: Refusal, now: number): void {
    const refused = request_id === undefined ? undefined : this.#requested.get(request_id);
    if (request_id) this.#requested.delete(request_id);
    if (code === FLEET_ENDED || (refused && this.#requested.size === 0 && code.startsWith('fleet_'))) this.picture.setFleet(undefined);
    if (PASSING.includes(code)) {
      if (refused === this.#asking) this.#asking = undefined;
      this.#notBefore = now + ASK_AGAIN_MS * (1 + this.#random());
    } else if (code.startsWith('fleet_')) {
      this.#refusedFleet = (refused ?? this.#asking)?.fleet;
    }
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
    const wanted = this.#wanted && without(this.#wanted, this.#refusedFleet);
    if (!wanted || this.#status === 'connecting' || this.#requested.has(0) || now < this.#notBefore) return [];
    const requested = this.#asking !== undefined && isSameSubscription(this.#asking, wanted);
    if (!requested && now - this.#wantedAt < REST_MS && now - this.#restlessSince < RESTLESS_MS) return [];
    if (requested && this.#requestedRate === this.#rate) return [];
    if (!this.#maySubscribe(now)) return [];
    this.#asking = wanted;
    this.#requestedRate = this.#rate;
    this.#lastError = undefined;
    const request_id = ++this.#requestId;
    this.#requested.set(request_id, wanted);
    const subscribe = subscribeMessage(wanted, this.rate, this.#hadFleet);
    this.#hadFleet = wanted.fleet !== undefined;
    return [{ do: 'send', message: { request_id, subscribe } }];
  }

  #maySubscribe(now: number): boolean {
    this.#subscribes = this.#subscribes.filter((at) => now - at < MINUTE_MS);
    if (this.#subscribes.length >= (this.#limits?.max_subscribes_per_minute || DEFAULT_SUBSCRIBES_PER_MINUTE)) return false;
    this.#subscribes.push(now);
    return true;
  }
}

/** What is left of a subscription without a fleet that the server does not give. */
function without(subscription: Subscription, fleet: string | undefined): Subscription {
  return fleet !== undefined && subscription.fleet === fleet ? { ...subscription, fleet: undefined } : subscription;
}
