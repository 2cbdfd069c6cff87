import { parseAddress } from 'updraft-client';
import { loadOffer, type Offer, type OfferState } from './offer';
import { problemOf, SignInError, type Problem } from './problem';
import type { Returned } from './returned';
import type { Store, Tokens } from './store';

/** A fleet that a person may see. */
export interface Fleet {
  id: string;
  name: string;
}

/** Who is signed in, as the server says. */
export interface Person {
  name: string;
  roles: readonly string[];
  /** What the credentials allow. */
  scopes: readonly string[];
  /** Whose positions they may send, and which they manage. */
  devices: readonly number[];
  fleets: readonly Fleet[];
  /** When the sign-in expires unless it is renewed, this browser's clock, ms; undefined: never. */
  expiresAt: number | undefined;
}

export interface AccountState {
  /** `off`: nobody can sign in here. */
  status: 'off' | 'out' | 'busy' | 'in';
  person: Person | undefined;
  problem: Problem | undefined;
}

export interface AccountEvents {
  /** The state is another one. */
  changed: () => void;
  /** Other credentials, or none: connections have to show them. */
  credentialsChanged: () => void;
}

/** A token is renewed so long before it expires, ms, and where it lives shortly, after three quarters of its time. */
const RENEW_BEFORE_MS = 60_000;
/** A token that expires within this time is not sent any more, ms. */
const MARGIN_MS = 5_000;
/** After a renewal that failed since the provider or the server did not answer, ms. */
const RETRY_MS = 30_000;
/** The longest time that a browser's timer takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const DEADLINE_MS = 10_000;

/** The person of this tab: signs in at the provider, renews tokens, signs out. */
export class Account {
  readonly #store: Store;
  readonly #events: AccountEvents;
  #offer: OfferState = 'off';
  #clockOffsetMs = 0;
  #tokens: Tokens | undefined;
  #state: AccountState = { status: 'off', person: undefined, problem: undefined };
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The server has said how one signs in. */
  readonly #asked: Promise<void>;
  #haveAsked!: () => void;
  #renewal: Promise<void> | undefined;

  constructor(store: Store, events: AccountEvents) {
    this.#store = store;
    this.#events = events;
    this.#asked = new Promise((resolve) => { this.#haveAsked = resolve; });
    // The first connection shows them already.
    this.#tokens = store.tokens;
  }

  get state(): AccountState {
    return this.#state;
  }

  /** Asks the server whether one can sign in, and goes on with what this tab knows. `returned`: the provider's answer. */
  async start(returned: Returned | undefined): Promise<void> {
    const answer = await loadOffer();
    this.#offer = answer.state;
    this.#clockOffsetMs = answer.clockOffsetMs;
    this.#haveAsked();
    if (answer.state === 'off') {
      if (this.#tokens) this.#forget(undefined, 'off');
      return;
    }
    if (answer.state === 'unreached' && !returned && !this.#tokens) return;
    if (returned) await this.#attempt(() => this.#finish(returned));
    else if (this.#tokens) await this.#attempt(() => this.#resume());
    else this.#become({ status: 'out' });
  }

  /** Leaves the page for the provider's. */
  async signIn(): Promise<void> {
    await this.#attempt(async () => {
      const { begin, reach } = await import('./flow');
      const offer = await this.#usableOffer();
      await reach(offer);
      const { url, pending } = await begin(offer, here(), location.search + location.hash);
      this.#store.pending = pending;
      location.assign(url);
    });
  }

  /** Forgets the tokens, ends them at the provider, and leaves for its page where it has one for that. */
  async signOut(): Promise<void> {
    const [offer, tokens] = [this.#offer, this.#tokens];
    this.#forget(undefined);
    if (typeof offer === 'string' || !tokens) return;
    const { endUrl, revoke } = await import('./flow');
    await revoke(offer, tokens);
    const url = endUrl(offer, here(), tokens);
    if (url === undefined) return;
    this.#store.back = location.search + location.hash;
    location.assign(url);
  }

  /** An access token that has not expired; undefined: nobody is signed in, or the provider does not answer. */
  async token(): Promise<string | undefined> {
    if (this.#tokens && !isFresh(this.#tokens)) {
      await this.#asked;
      await this.#renew();
    }
    return this.#tokens && isFresh(this.#tokens) ? this.#tokens.access : undefined;
  }

  async #finish({ parameters, pending }: Returned): Promise<void> {
    if (!pending) throw new SignInError('state', 'this tab has asked no question');
    const { finish } = await import('./flow');
    await this.#take(await finish(await this.#usableOffer(), here(), pending, parameters, this.#clockOffsetMs));
    this.#events.credentialsChanged();
  }

  /** After a reload of the page. */
  async #resume(): Promise<void> {
    if (!this.#tokens) return;
    if (isFresh(this.#tokens)) await this.#take(this.#tokens);
    else await this.#renew();
  }

  /** One renewal at a time: a refresh token may be used once. */
  #renew(): Promise<void> {
    this.#renewal ??= this.#renewNow().finally(() => { this.#renewal = undefined; });
    return this.#renewal;
  }

  async #renewNow(): Promise<void> {
    const tokens = this.#tokens;
    if (!tokens) return;
    try {
      // The server did not answer when it was asked whose they are.
      if (isFresh(tokens) && !this.#state.person) {
        await this.#take(tokens);
        return;
      }
      const { renew } = await import('./flow');
      await this.#take(await renew(await this.#usableOffer(), tokens, this.#clockOffsetMs));
    } catch (error) {
      const problem = problemOf(error);
      if (this.#tokens === undefined) return;
      if (problem !== 'provider' && problem !== 'server') {
        this.#forget(problem);
        return;
      }
      this.#become({ status: 'in', person: this.#state.person, problem });
      this.#renewAfter(RETRY_MS);
    }
  }

  /** Asks the server whose the tokens are. They are kept before: a refresh token may be used once. */
  async #take(tokens: Tokens): Promise<void> {
    this.#keep(tokens);
    const person = await identify(tokens.access);
    if (person.expiresAt !== undefined) this.#keep({ ...tokens, expiresAt: person.expiresAt });
    this.#become({ status: 'in', person });
    const { refresh, expiresAt } = this.#tokens ?? tokens;
    if (expiresAt === undefined) return;
    const left = expiresAt - Date.now();
    // Without a refresh token the sign-in ends with its token.
    this.#renewAfter(refresh === undefined ? left : Math.max(left - RENEW_BEFORE_MS, left * 0.75));
  }

  #keep(tokens: Tokens): void {
    this.#tokens = tokens;
    this.#store.tokens = tokens;
  }

  #renewAfter(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#renew(), Math.min(Math.max(ms, 0), MAX_TIMER_MS));
  }

  #forget(problem: Problem | undefined, status: 'out' | 'off' = 'out'): void {
    clearTimeout(this.#timer);
    const had = this.#tokens !== undefined;
    this.#tokens = undefined;
    this.#store.tokens = undefined;
    this.#become({ status, problem });
    if (had) this.#events.credentialsChanged();
  }

  async #usableOffer(): Promise<Offer> {
    if (this.#offer === 'unavailable' || this.#offer === 'unreached') {
      const answer = await loadOffer();
      this.#offer = answer.state;
      this.#clockOffsetMs = answer.clockOffsetMs;
    }
    if (this.#offer === 'unreached') throw new SignInError('server', 'the server does not answer');
    if (this.#offer === 'unavailable') throw new SignInError('provider', 'the server has not reached the provider');
    if (typeof this.#offer === 'string') throw new SignInError('setup', 'the provider has no endpoints for pages');
    return this.#offer;
  }

  /** A step towards being signed in: shows that it takes its time, and why it failed. */
  async #attempt(step: () => Promise<void>): Promise<void> {
    this.#become({ status: 'busy' });
    try {
      await step();
    } catch (error) {
      const problem = problemOf(error);
      console.info(`signing in: ${problem}`, error instanceof Error ? error.message : error);
      // The server may answer later.
      if (problem === 'server' && this.#tokens) {
        this.#become({ status: 'in', problem });
        this.#renewAfter(RETRY_MS);
      } else this.#forget(problem);
    }
  }

  #become(state: Partial<AccountState> & Pick<AccountState, 'status'>): void {
    this.#state = { person: undefined, problem: undefined, ...state };
    this.#events.changed();
  }
}

function isFresh({ expiresAt }: Tokens): boolean {
  return expiresAt === undefined || expiresAt - Date.now() > MARGIN_MS;
}

/** The page's address at the provider: without query and fragment. */
function here(): string {
  return location.origin + location.pathname;
}

async function identify(access: string): Promise<Person> {
  let response: Response;
  try {
    response = await fetch('./api/v1/me', { headers: { accept: 'application/json', authorization: `Bearer ${access}` }, signal: AbortSignal.timeout(DEADLINE_MS) });
  } catch (error) {
    throw new SignInError('server', String(error));
  }
  if (response.status === 401 || response.status === 403) throw new SignInError('refused', `the server answers ${response.status}`);
  if (!response.ok) throw new SignInError('server', `the server answers ${response.status}`);
  return personOf(await response.json(), Date.now());
}

/** The answer of /api/v1/me. Its times are the server's: only their difference counts. */
export function personOf(answer: unknown, now: number): Person {
  const { subject, name, roles, scopes, devices, fleets, server_time, expires_at } = (answer ?? {}) as Record<string, unknown>;
  const left = Date.parse(String(expires_at)) - Date.parse(String(server_time));
  return {
    name: [name, subject].find((text): text is string => typeof text === 'string' && text !== '') ?? '?',
    roles: textsOf(roles),
    scopes: textsOf(scopes),
    devices: textsOf(devices).map(parseAddress).filter((device) => device !== undefined),
    fleets: (Array.isArray(fleets) ? fleets : []).flatMap(({ fleet_id, name: of }: Record<string, unknown>) =>
      typeof fleet_id === 'string' && typeof of === 'string' ? [{ id: fleet_id, name: of }] : []),
    expiresAt: Number.isFinite(left) ? now + left : undefined,
  };
}

function textsOf(list: unknown): string[] {
  return Array.isArray(list) ? list.filter((one): one is string => typeof one === 'string') : [];
}
