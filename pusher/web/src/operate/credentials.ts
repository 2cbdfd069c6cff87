import { Account } from '../sign-in/account';
import type { Problem } from '../sign-in/problem';
import type { Returned } from '../sign-in/returned';
import type { Storage, Store } from '../sign-in/store';
import { send } from './api';
import { callerOf, type Caller } from './caller';
import type { Refusal } from './refusal';

/** In the storage of this tab alone, so that a reload keeps the key and the end of the tab forgets it. */
const KEY = 'updraft-operate-key';

export type CredentialsState =
  | { status: 'asking' }
  /** `canSignIn`: there is an identity provider. */
  | { status: 'out'; canSignIn: boolean; problem?: Problem; refusal?: Refusal }
  | { status: 'in'; caller: Caller };

/** The credentials of this tab: an API key that was pasted, or else the tokens of a sign-in. */
export class Credentials {
  readonly #storage: Storage | undefined;
  readonly #account: Account;
  #key: string | undefined;
  #state: CredentialsState = { status: 'asking' };
  onchange: () => void = () => {};

  constructor(store: Store, storage: Storage | undefined) {
    this.#storage = storage;
    this.#key = read(storage);
    this.#account = new Account(store, { changed: () => void this.#follow(), credentialsChanged: () => {} });
  }

  get state(): CredentialsState {
    return this.#state;
  }

  async start(returned: Returned | undefined): Promise<void> {
    const key = this.#key;
    await this.#account.start(returned);
    // Where nobody can sign in, the account reports no change.
    await (key === undefined ? this.#follow() : this.useKey(key));
  }

  /** What requests show. */
  async token(): Promise<string | undefined> {
    return this.#key ?? this.#account.token();
  }

  /** Keeps a key if the server accepts it, or does not answer now. */
  async useKey(key: string): Promise<void> {
    this.#become({ status: 'asking' });
    this.#keep(key);
    await this.#identify(key);
  }

  signIn(): Promise<void> {
    return this.#account.signIn();
  }

  async signOut(): Promise<void> {
    const hadKey = this.#key !== undefined;
    this.#keep(undefined);
    if (hadKey) await this.#follow();
    else await this.#account.signOut();
  }

  /** The server does not accept them any more. */
  refused(refusal: Refusal): void {
    this.#keep(undefined);
    this.#become({ status: 'out', canSignIn: this.#account.state.status !== 'off', refusal });
  }

  /** The state of the sign-in, as long as there is no key. */
  async #follow(): Promise<void> {
    if (this.#key !== undefined) return;
    const { status, problem } = this.#account.state;
    if (status === 'busy') this.#become({ status: 'asking' });
    else if (status === 'in') {
      if (this.#state.status !== 'in') await this.#identify(await this.#account.token());
    } else this.#become({ status: 'out', canSignIn: status !== 'off', ...(problem && { problem }) });
  }

  async #identify(token: string | undefined): Promise<void> {
    const { body, refusal } = await send<unknown>('GET', 'me', token);
    if (refusal) this.refused(refusal);
    else this.#become({ status: 'in', caller: callerOf(body) });
  }

  #keep(key: string | undefined): void {
    this.#key = key;
    try {
      if (key === undefined) this.#storage?.removeItem(KEY);
      else this.#storage?.setItem(KEY, key);
    } catch {
      // A browser may refuse to store anything: then a reload asks for the key again.
    }
  }

  #become(state: CredentialsState): void {
    this.#state = state;
    this.onchange();
  }
}

function read(storage: Storage | undefined): string | undefined {
  try {
    return storage?.getItem(KEY) ?? undefined;
  } catch {
    return undefined;
  }
}
