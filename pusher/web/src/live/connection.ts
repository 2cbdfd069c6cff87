import { decode, encode } from './codec';
import type { Effect, Session } from './session';
import type { Subscription } from './subscription';

const SUBPROTOCOL = 'updraft.v1.proto';
const TICK_MS = 200;
const ABNORMAL = 1006;

/** The socket around a session: carries its effects out and tells it what happens. */
export class Connection {
  #socket: WebSocket | undefined;
  readonly #session: Session;
  readonly #url: string;
  readonly #timer: ReturnType<typeof setInterval>;

  /** `url`: of the endpoint, without a query. */
  constructor(session: Session, url: string) {
    this.#session = session;
    this.#url = url;
    this.#timer = setInterval(() => this.#run(session.tick(Date.now())), TICK_MS);
    addEventListener('online', () => this.#run(session.hurry(Date.now())));
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.#run(session.hurry(Date.now()));
    });
  }

  want(subscription: Subscription): void {
    this.#run(this.#session.want(subscription, Date.now()));
  }

  /** Ends it for good. */
  close(): void {
    clearInterval(this.#timer);
    this.#lose();
  }

  #run(effects: Effect[]): void {
    for (const effect of effects) {
      switch (effect.do) {
        case 'connect': this.#open(`${this.#url}?${effect.query}`); break;
        case 'send': this.#send(encode(effect.message)); break;
        case 'disconnect': this.#lose(); break;
      }
    }
  }

  #open(url: string): void {
    const socket = new WebSocket(url, SUBPROTOCOL);
    socket.binaryType = 'arraybuffer';
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => this.#receive(data);
    socket.onclose = ({ code }) => this.#lose(code);
    this.#socket = socket;
  }

  #receive(data: ArrayBuffer): void {
    try {
      this.#run(this.#session.received(decode(data), Date.now()));
    } catch (error) {
      console.error('a message could not be used', error);
      this.#lose();
    }
  }

  #send(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(bytes);
  }

  /** `code`: of the server's close frame; without one we ended it, or the line did. */
  #lose(code = ABNORMAL): void {
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = undefined;
    socket.onmessage = socket.onclose = null;
    socket.close();
    this.#run(this.#session.closed(code, Date.now()));
  }
}
