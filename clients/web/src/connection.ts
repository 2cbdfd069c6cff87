import { decode, encode } from './codec.js';
import { SUBPROTOCOL_BEARER_PREFIX, SUBPROTOCOL_PROTO } from './proto/wire.js';
import type { Effect, Session } from './session.js';
import { TrafficCounter } from './traffic.js';
import type { Rate, Subscription } from './subscription.js';

const TICK_MS = 200;
const ABNORMAL = 1006;
/** As if the server had closed over a message that it cannot read: at once, the same would come again. */
const UNREADABLE = 1007;
/** `WebSocket.OPEN` of any implementation. */
const OPEN = 1;
/** What a subprotocol may consist of (RFC 9110, `token`): any JWT and API key does. */
const IS_PROTOCOL = /^[\w!#$%&'*+.^`|~-]+$/;

export interface ConnectionOptions {
  /** Called after each message that the session took. */
  onMessage?: () => void;
  /**
   * The access token or API key for the next attempt to connect: asked for before each, so that it can be renewed. Undefined: none is
   * sent, and a connection needs none. An error counts as none.
   */
  token?: () => string | undefined | Promise<string | undefined>;
  /** Where the platform has no WebSocket of its own: one with the same interface, for example that of the package `ws`. */
  WebSocket?: typeof WebSocket;
}

/** The socket around a session: runs its effects and passes events to it. */
export class Connection {
  /** Bytes of received messages, before compression: a browser does not report the bytes on the network. */
  readonly traffic = new TrafficCounter();
  #socket: WebSocket | undefined;
  /** The attempt that waits for its token. */
  #opening: object | undefined;
  readonly #session: Session;
  readonly #url: string;
  readonly #options: ConnectionOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #retryNow = () => this.retry();
  readonly #retryWhenVisible = () => { if (document.visibilityState === 'visible') this.retry(); };

  /** `url`: of the endpoint, `wss://example.org/ws/v1/updates`, without a query. */
  constructor(session: Session, url: string, options: ConnectionOptions = {}) {
    this.#session = session;
    this.#url = url;
    this.#options = options;
    this.#timer = setInterval(() => this.#run(session.tick(Date.now())), TICK_MS);
    // Outside of browsers there is neither.
    globalThis.addEventListener?.('online', this.#retryNow);
    globalThis.document?.addEventListener('visibilitychange', this.#retryWhenVisible);
  }

  want(subscription: Subscription): void {
    this.#run(this.#session.want(subscription, Date.now()));
  }

  /** Changes how often updates come at most. */
  setRate(rate: Rate): void {
    this.#session.setRate(rate);
  }

  /** Closes the connection until `unpause`: what is known stays. */
  pause(): void {
    this.#run(this.#session.pause());
  }

  /** Connects again after `pause`, and catches up. */
  unpause(): void {
    this.#run(this.#session.unpause(Date.now()));
  }

  /** Reconnects at once if it waits for the next attempt. */
  retry(): void {
    this.#run(this.#session.hurry(Date.now()));
  }

  /** Closes the connection and opens it again at once, with the token of now; it catches up from the resume token. */
  reconnect(): void {
    this.#lose();
    this.retry();
  }

  /** Closes the connection and does not reconnect. */
  close(): void {
    clearInterval(this.#timer);
    globalThis.removeEventListener?.('online', this.#retryNow);
    globalThis.document?.removeEventListener('visibilitychange', this.#retryWhenVisible);
    this.#lose();
  }

  #run(effects: Effect[]): void {
    for (const effect of effects) {
      switch (effect.do) {
        case 'connect': void this.#open(`${this.#url}?${effect.query}`); break;
        case 'send': this.#send(encode(effect.message)); break;
        case 'disconnect': this.#lose(); break;
      }
    }
  }

  async #open(url: string): Promise<void> {
    const protocols = [SUBPROTOCOL_PROTO];
    if (this.#options.token) {
      const opening = this.#opening = {};
      const token = await this.#token(this.#options.token);
      // Closed meanwhile.
      if (this.#opening !== opening) return;
      this.#opening = undefined;
      if (token !== undefined) protocols.push(SUBPROTOCOL_BEARER_PREFIX + token);
    }
    const socket = new (this.#options.WebSocket ?? WebSocket)(url, protocols);
    socket.binaryType = 'arraybuffer';
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => this.#receive(data);
    socket.onclose = ({ code }) => this.#lose(code);
    // The close event has the reason; without a listener the package `ws` ends the process.
    socket.onerror = () => {};
    this.#socket = socket;
  }

  async #token(ask: NonNullable<ConnectionOptions['token']>): Promise<string | undefined> {
    try {
      const token = await ask();
      return token !== undefined && IS_PROTOCOL.test(token) ? token : undefined;
    } catch {
      return undefined;
    }
  }

  #receive(data: ArrayBuffer): void {
    const now = Date.now();
    this.traffic.add(data.byteLength, now);
    try {
      this.#run(this.#session.received(decode(data), now));
    } catch (error) {
      console.error('a message of the server could not be read: the connection is closed and opened again', error);
      this.#lose(UNREADABLE);
      return;
    }
    this.#options.onMessage?.();
  }

  #send(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#socket?.readyState === OPEN) this.#socket.send(bytes);
  }

  /** `code`: of the server's close frame; undefined when this client closed the connection or the network failed. */
  #lose(code = ABNORMAL): void {
    const socket = this.#socket;
    if (!socket && !this.#opening) return;
    this.#socket = this.#opening = undefined;
    if (socket) {
      socket.onmessage = socket.onclose = null;
      socket.close();
    }
    this.#run(this.#session.closed(code, Date.now()));
  }
}

/** The address of the endpoint: relative to the address of the page. */
export function socketUrl(): string {
  const url = new URL('./ws/v1/updates', location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.search = url.hash = '';
  return url.href;
}
