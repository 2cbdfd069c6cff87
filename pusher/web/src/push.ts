import { formatAddress } from 'updraft-client';

/** The parts of browser and page that it uses. */
export interface PushDependencies {
  /** The page's service worker, once it runs. */
  registration: () => Promise<Pick<ServiceWorkerRegistration, 'pushManager'> | undefined>;
  /** Of the person who is signed in. */
  token: () => Promise<string | undefined>;
  language: string;
  send: (url: string, init: RequestInit) => Promise<Response>;
  /** The id of this browser's subscription on the server. */
  store: () => Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
}

const KEY = './api/v1/push-key';
const SUBSCRIPTIONS = './api/v1/push-subscriptions';
const STORED = 'updraft-push';
/** As many as the server takes. */
const MOST_DEVICES = 100;
/** After a failure, the same is not tried again before. */
const RETRY_MS = 60_000;
const DEADLINE_MS = 10_000;

/** Notifications that come while the page is closed (Web Push): of those whom a person who is signed in follows. */
export class Push {
  readonly #needs: PushDependencies;
  /** What the server has, as far as this page has said it. */
  #sent: string | undefined;
  #failedAt = -RETRY_MS;
  /** One change at a time. */
  #last: Promise<void> = Promise.resolve();
  #isChanging = false;

  constructor(needs: PushDependencies) {
    this.#needs = needs;
  }

  /** Brings the server's subscription in line with those who are followed. Cheap where nothing has changed. */
  want(devices: readonly number[], now: number): void {
    const addresses = devices.slice(0, MOST_DEVICES).map(formatAddress).sort();
    const wanted = addresses.join();
    if (this.#isChanging || wanted === (this.#sent ?? '') || now < this.#failedAt + RETRY_MS) return;
    this.#isChanging = true;
    this.#last = (addresses.length === 0 ? this.#end() : this.#subscribe(addresses)).then(
      (done) => { if (done) this.#sent = wanted; else this.#failedAt = now; },
      () => { this.#failedAt = now; },
    ).finally(() => { this.#isChanging = false; });
  }

  /** Ends notifications of this browser: the user has switched them off, or signs out. */
  async cancel(): Promise<void> {
    await this.#last;
    await this.#end().catch(() => false);
    this.#sent = undefined;
  }

  /** Waits for the change in progress. */
  get settled(): Promise<void> {
    return this.#last;
  }

  async #subscribe(devices: readonly string[]): Promise<boolean> {
    const [registration, token] = [await this.#needs.registration(), await this.#needs.token()];
    if (!registration || token === undefined) return false;
    const answer = await this.#request(KEY, token, {});
    // This server sends none.
    if (!answer.ok) return false;
    const key = bytesOf((await answer.json() as { key: string }).key);
    const known = await registration.pushManager.getSubscription();
    if (known && !isSame(known.options.applicationServerKey, key)) await known.unsubscribe();
    const subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
    const body = JSON.stringify({ subscription: subscription.toJSON(), alerts: 'devices', zones_of_devices: true, devices, language: this.#needs.language });
    const written = await this.#request(SUBSCRIPTIONS, token, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    if (!written.ok) return false;
    this.#needs.store().setItem(STORED, (await written.json() as { subscription_id: string }).subscription_id);
    return true;
  }

  /** The server removes what this does not when the push service answers that the browser is gone. */
  async #end(): Promise<boolean> {
    const subscription = await (await this.#needs.registration())?.pushManager.getSubscription();
    await subscription?.unsubscribe();
    const [id, token] = [this.#needs.store().getItem(STORED), await this.#needs.token()];
    if (id !== null && token !== undefined) await this.#request(`${SUBSCRIPTIONS}/${id}`, token, { method: 'DELETE' });
    this.#needs.store().removeItem(STORED);
    return true;
  }

  async #request(url: string, token: string, init: RequestInit): Promise<Response> {
    const headers = { ...init.headers as Record<string, string>, authorization: `Bearer ${token}` };
    return await this.#needs.send(url, { ...init, headers, signal: AbortSignal.timeout(DEADLINE_MS) });
  }
}

/** The page's service worker. */
export async function registration(): Promise<ServiceWorkerRegistration | undefined> {
  const found = await navigator.serviceWorker?.getRegistration();
  return found?.active && 'pushManager' in found ? found : undefined;
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function isSame(known: ArrayBuffer | null, key: Uint8Array): boolean {
  const bytes = new Uint8Array(known ?? new ArrayBuffer());
  return bytes.length === key.length && bytes.every((byte, index) => byte === key[index]);
}
