// What survives a reload of the page and the way to the provider and back: in the storage of this tab, which no other tab and no server reads.

/** A sign-in that has been begun. */
export interface Pending {
  state: string;
  nonce: string;
  verifier: string;
  /** Query and fragment of the page, to return to. */
  back: string;
}

export interface Tokens {
  access: string;
  refresh: string | undefined;
  /** Names the sign-in when it is ended. */
  id: string | undefined;
  /** When the access token expires, this browser's clock, ms; undefined: not known. */
  expiresAt: number | undefined;
}

export type Storage = Pick<globalThis.Storage, 'getItem' | 'setItem' | 'removeItem'>;

const PENDING = 'updraft-sign-in';
const TOKENS = 'updraft-tokens';
/** Query and fragment to return to after a sign-out at the provider. */
const BACK = 'updraft-sign-out';

export class Store {
  readonly #storage: Storage | undefined;

  constructor(storage: Storage | undefined) {
    this.#storage = storage;
  }

  get tokens(): Tokens | undefined {
    const { access, refresh, id, expiresAt } = this.#read(TOKENS) ?? {};
    if (typeof access !== 'string' || access === '') return undefined;
    return { access, refresh: textOf(refresh), id: textOf(id), expiresAt: typeof expiresAt === 'number' ? expiresAt : undefined };
  }

  set tokens(tokens: Tokens | undefined) {
    this.#write(TOKENS, tokens);
  }

  set pending(pending: Pending) {
    this.#write(PENDING, pending);
  }

  /** An answer is taken once. */
  takePending(): Pending | undefined {
    const { state, nonce, verifier, back } = this.#read(PENDING) ?? {};
    this.#write(PENDING, undefined);
    return typeof state === 'string' && typeof nonce === 'string' && typeof verifier === 'string' ? { state, nonce, verifier, back: textOf(back) ?? '' } : undefined;
  }

  set back(back: string) {
    this.#write(BACK, { back });
  }

  takeBack(): string | undefined {
    const { back } = this.#read(BACK) ?? {};
    this.#write(BACK, undefined);
    return textOf(back);
  }

  #read(key: string): Record<string, unknown> | undefined {
    try {
      const value: unknown = JSON.parse(this.#storage?.getItem(key) ?? 'null');
      return typeof value === 'object' && value !== null ? value as Record<string, unknown> : undefined;
    } catch {
      return undefined;
    }
  }

  #write(key: string, value: unknown): void {
    try {
      if (value === undefined) this.#storage?.removeItem(key);
      else this.#storage?.setItem(key, JSON.stringify(value));
    } catch {
      // A browser may refuse to store anything: then a reload signs out.
    }
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The storage of this tab; undefined where the browser allows none. */
export function tabStorage(): Storage | undefined {
  try {
    return sessionStorage;
  } catch {
    return undefined;
  }
}
