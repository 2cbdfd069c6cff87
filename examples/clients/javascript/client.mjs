// A persistent subscription: it connects, reconnects by itself, and continues where it was.

import { Picture } from './picture.mjs';

/** From the fastest to the slowest: after a slow connection the next one is used. */
const RATES = ['live', '1s', '5s', '30s'];
/** Errors of the client: reconnecting would only repeat them. */
const FATAL_CODES = [1002, 1003, 1007, 1009, 4002, 4004];

export class Client {
  picture;
  #url;
  #region;
  #followed;
  #report;
  #WebSocket;
  #resume;
  #resumed;
  #epoch;
  #rate = 0;
  #failures = 0;
  #socket;
  #stopped = false;

  /**
   * `url`: of the server, without path. `region`: `{ lat, lon, radius }` or `{ bounds }`. `report(event)` gets each
   * event. `follow`: devices. `WebSocket`: the browser's, or one like it.
   */
  constructor({ url, region, report, follow = [], WebSocket = globalThis.WebSocket }) {
    this.picture = new Picture(report, follow);
    this.#url = url;
    this.#region = region;
    this.#followed = follow;
    this.#report = report;
    this.#WebSocket = WebSocket;
    this.#connect();
  }

  stop() {
    this.#stopped = true;
    this.#socket.close(1000);
  }

  #connect() {
    const query = new URLSearchParams({ ...this.#region, rate: RATES[this.#rate] });
    // A token continues the subscription that it was given for: the same region, the same kinds.
    if (this.#resume) query.set('resume', this.#resume);
    const socket = new this.#WebSocket(`${this.#url}/ws/v1/updates?${query}`, ['updraft.v1.json']);
    this.#socket = socket;
    let heartbeat;
    let silence;
    let heartbeatMs = 30_000;
    const listen = () => {
      clearTimeout(silence);
      // The server sends a message every few seconds; without one the connection is dead.
      silence = setTimeout(() => socket.close(), 2 * heartbeatMs);
    };
    listen();
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.welcome) {
        heartbeatMs = message.welcome.heartbeat_interval_s * 1000;
        heartbeat = setInterval(() => this.#send({ ping: {} }), heartbeatMs);
      }
      listen();
      this.#take(message);
    };
    socket.onerror = () => {};
    socket.onclose = ({ code }) => {
      clearInterval(heartbeat);
      clearTimeout(silence);
      this.#closed(code);
    };
  }

  #send(message) {
    if (this.#socket.readyState === 1) this.#socket.send(JSON.stringify(message));
  }

  #take(message) {
    if (message.welcome) {
      const { epoch } = message.welcome;
      if (this.#epoch !== undefined && this.#epoch !== epoch) this.picture.clear();
      this.#epoch = epoch;
      this.#report({ event: 'welcome', epoch });
    } else if (message.snapshot) {
      const { page = 0, live, resumed, request_id } = message.snapshot;
      if (page === 0) this.#resumed = resumed;
      if (resumed === false) this.#resume = undefined;
      this.picture.snapshot(message.snapshot);
      if (!live) return;
      this.#failures = 0;
      // The URL has no parameter for followed devices: subscribe to them here, also after a resume.
      if (Number(request_id) === 0 && this.#followed.length > 0) {
        this.#send({ request_id: '1', subscribe: { follow_devices: this.#followed } });
      }
      this.#report({ event: 'live', resumed: this.#resumed ?? null, objects: this.picture.objects.size });
    } else if (message.updates) {
      this.picture.updates(message.updates);
      if (message.updates.stale !== undefined) this.#report({ event: 'stale', stale: message.updates.stale });
    } else if (message.present) {
      this.picture.present(message.present);
    } else if (message.checkpoint) {
      this.#resume = message.checkpoint.resume;
      this.#report({ event: 'checkpoint' });
    } else if (message.error) {
      this.#report({ event: 'error', code: message.error.code });
    }
  }

  #closed(code) {
    if (this.#stopped) return;
    const wait = FATAL_CODES.includes(code) ? undefined : this.#waitMs(code);
    this.#failures += 1;
    this.#report({ event: 'closed', code, wait_s: wait === undefined ? null : wait / 1000 });
    if (wait !== undefined) setTimeout(() => this.#connect(), wait);
  }

  #waitMs(code) {
    if (code === 4003) return 60_000;
    if (code === 4001) this.#rate = Math.min(this.#rate + 1, RATES.length - 1);
    if (this.#failures === 0 && code === 4000) return 0;
    if (this.#failures === 0 && code === 1001) return Math.random() * 5_000;
    // Full jitter: a random time up to a ceiling that doubles to half a minute.
    return Math.min(30_000, 500 * 2 ** this.#failures) * Math.random();
  }
}
