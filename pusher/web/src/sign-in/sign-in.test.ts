import * as oauth from 'oauth4webapi';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Account, personOf } from './account';
import { begin, endUrl, explain, finish } from './flow';
import { readOffer, type Offer } from './offer';
import { problemOf, SignInError } from './problem';
import { isAnswer } from './returned';
import { Store, type Pending, type Storage } from './store';

const OFFER: Offer = {
  issuer: 'https://id.example.org', clientId: 'map', audience: 'https://map.example.org/api', scope: 'openid offline_access',
  authorizationEndpoint: 'https://id.example.org/auth?tenant=a', tokenEndpoint: 'https://id.example.org/token', endSessionEndpoint: 'https://id.example.org/end', revocationEndpoint: undefined,
};
const HERE = 'https://map.example.org/';

function memory(): Storage & { texts: Map<string, string> } {
  const texts = new Map<string, string>();
  return { texts, getItem: (key) => texts.get(key) ?? null, setItem: (key, value) => { texts.set(key, value); }, removeItem: (key) => { texts.delete(key); } };
}

it('asks with a fresh PKCE challenge of RFC 7636, state and nonce', async () => {
  const { url, pending } = await begin(OFFER, HERE, '?embed#map=9/46/7');
  const asked = new URL(url).searchParams;
  expect(Object.fromEntries(asked)).toMatchObject({
    tenant: 'a', response_type: 'code', client_id: 'map', redirect_uri: HERE, scope: 'openid offline_access', state: pending.state, nonce: pending.nonce,
    code_challenge_method: 'S256', resource: OFFER.audience, prompt: 'consent',
  });
  expect(pending.verifier).toMatch(/^[\w.~-]{43,128}$/);
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(pending.verifier));
  expect(asked.get('code_challenge')).toBe(Buffer.from(digest).toString('base64url'));
  const again = await begin({ ...OFFER, audience: 'updraft', scope: 'openid' }, HERE, '');
  expect(new Set([pending.state, pending.nonce, pending.verifier, again.pending.state, again.pending.nonce, again.pending.verifier]).size).toBe(6);
  // Only a URI may name a resource.
  expect([...new URL(again.url).searchParams.keys()]).not.toContain('resource');
  expect(again.url).not.toContain('prompt');
  // The example of the RFC, appendix B.
  expect(await oauth.calculatePKCECodeChallenge('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')).toBe('E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM');
});

it('takes no answer of another state or issuer, and says why a sign-in failed', async () => {
  const pending: Pending = { state: 'abc', nonce: 'n', verifier: 'v'.repeat(43), back: '' };
  const problem = (answer: string) => finish(OFFER, HERE, pending, answer, 0).then(() => undefined, problemOf);
  expect(await problem('code=1&state=abd')).toBe('state');
  expect(await problem('code=1')).toBe('state');
  expect(await problem('code=1&state=abc&iss=https://evil.example')).toBe('issuer');
  expect(await problem('error=access_denied&state=abc')).toBe('denied');
  expect(await problem('error=access_denied&state=abc&iss=https://evil.example')).toBe('issuer');
  expect(await problem('error=temporarily_unavailable&state=abc')).toBe('provider');
  expect(await problem('error=invalid_scope&state=abc')).toBe('setup');
});

it('explains errors of the library and of the network', () => {
  const failed = (code: string, cause: object) => explain(new oauth.OperationProcessingError('', { code, cause } as never));
  expect(failed(oauth.JWT_TIMESTAMP_CHECK, { claim: 'exp' })).toBe('clock');
  expect(failed(oauth.JWT_CLAIM_COMPARISON, { claim: 'iss' })).toBe('issuer');
  expect(failed(oauth.JWT_CLAIM_COMPARISON, { claim: 'nonce' })).toBe('state');
  expect(failed(oauth.JWT_CLAIM_COMPARISON, { claim: 'aud' })).toBe('setup');
  expect(failed(oauth.RESPONSE_IS_NOT_CONFORM, { status: 502 })).toBe('provider');
  expect(explain(new TypeError('Failed to fetch'))).toBe('provider');
  expect(explain(Object.assign(new TypeError('a wrong argument'), { code: 'ERR_INVALID_ARG_TYPE' }))).toBe('setup');
  expect(explain(new DOMException('too late', 'TimeoutError'))).toBe('provider');
  expect(problemOf(new Error('any'))).toBe('setup');
  expect(problemOf(new SignInError('ended'))).toBe('ended');
});

it('recognizes an answer in the address of the page', () => {
  expect(['?code=1&state=2', '?error=access_denied&state=2', '?style=offline&state=2', '?code=1', ''].map(isAnswer)).toEqual([true, true, false, false, false]);
});

it('keeps tokens for the tab, and a question for one answer', () => {
  const storage = memory();
  const store = new Store(storage);
  const tokens = { access: 'a', refresh: 'r', id: undefined, expiresAt: 5 };
  store.tokens = tokens;
  store.pending = { state: 's', nonce: 'n', verifier: 'v', back: '#map=1/2/3' };
  const reloaded = new Store(storage);
  expect(reloaded.tokens).toEqual(tokens);
  expect(reloaded.takePending()?.back).toBe('#map=1/2/3');
  expect(reloaded.takePending()).toBeUndefined();
  store.tokens = undefined;
  expect(storage.texts.size).toBe(0);
  storage.setItem('updraft-tokens', '{"access":5}');
  expect(reloaded.tokens).toBeUndefined();
  storage.setItem('updraft-tokens', 'nonsense');
  expect(reloaded.tokens).toBeUndefined();
  expect(new Store(undefined).tokens).toBeUndefined();
});

it('reads how one signs in, and believes nothing else', () => {
  const provider = { issuer: 'https://id.example.org', client_id: 'map', audience: 'updraft', scope: 'openid', authorization_endpoint: 'https://id.example.org/auth', token_endpoint: 'https://id.example.org/token' };
  const now = Date.parse('2026-06-01T12:00:00Z');
  const { state, clockOffsetMs } = readOffer({ status: 'ready', server_time: '2026-06-01T12:00:05.000Z', provider }, now);
  expect(state).toMatchObject({ clientId: 'map', endSessionEndpoint: undefined });
  expect(clockOffsetMs).toBe(5000);
  expect(readOffer({ status: 'ready', provider: { ...provider, token_endpoint: 7 } }, now).state).toBe('unsupported');
  expect([{ status: 'off' }, { status: 'unavailable' }, {}, null, 'ready'].map((answer) => readOffer(answer, now).state)).toEqual(['off', 'unavailable', 'off', 'off', 'off']);
});

it('shows name, roles and expiry as the server says', () => {
  const answer = { subject: 'u1', name: 'Ada', roles: ['pilot', 5], scopes: ['zone:write', 5], server_time: '2030-01-01T00:00:00Z', expires_at: '2030-01-01T00:15:00Z' };
  expect(personOf(answer, 1000)).toEqual({ name: 'Ada', roles: ['pilot'], scopes: ['zone:write'], devices: [], fleets: [], expiresAt: 901_000 });
  expect(personOf({ devices: ['110B90', 'x'], fleets: [{ fleet_id: 'red', name: 'Red' }, { fleet_id: 1 }] }, 0)).toMatchObject({ devices: [0x110b90], fleets: [{ id: 'red', name: 'Red' }] });
  expect(personOf({ subject: 'u1' }, 0)).toEqual({ name: 'u1', roles: [], scopes: [], devices: [], fleets: [], expiresAt: undefined });
  expect(personOf(null, 0).name).toBe('?');
});

it('ends a sign-in at the provider where it has a page for that', () => {
  const tokens = { access: 'a', refresh: undefined, id: 'i', expiresAt: undefined };
  expect(endUrl(OFFER, HERE, tokens)).toBe('https://id.example.org/end?client_id=map&post_logout_redirect_uri=https%3A%2F%2Fmap.example.org%2F&id_token_hint=i');
  expect(endUrl({ ...OFFER, endSessionEndpoint: undefined }, HERE, tokens)).toBeUndefined();
});

const ANSWER = { status: 'ready', server_time: '2026-06-01T12:00:00Z', provider: { issuer: 'https://id.example.org', client_id: 'map', audience: 'updraft', scope: 'openid', authorization_endpoint: 'https://id.example.org/auth', token_endpoint: 'https://id.example.org/token' } };
const MINUTE_MS = 60_000;

/** The server and the provider: `me` and `token` answer with what the test sets. */
function answers(me: () => Response, token: () => Response = () => Response.error()): string[] {
  const asked: string[] = [];
  vi.stubGlobal('location', new URL(HERE));
  vi.stubGlobal('fetch', async (url: string | URL) => {
    asked.push(String(url));
    if (String(url) === './api/v1/sign-in') return Response.json(ANSWER);
    if (String(url) === './api/v1/me') return me();
    const response = token();
    if (response.type === 'error') throw new TypeError('Failed to fetch');
    return response;
  });
  return asked;
}

function me(seconds: number): Response {
  return Response.json({ subject: 'ada', roles: [], server_time: '2026-06-01T12:00:00Z', expires_at: new Date(Date.parse('2026-06-01T12:00:00Z') + seconds * 1000).toISOString() });
}

function signedIn(refresh: string | undefined): { account: Account; store: Store; changes: number[] } {
  const store = new Store(memory());
  store.tokens = { access: 'first', refresh, id: undefined, expiresAt: Date.now() + 600_000 };
  const changes: number[] = [];
  const account = new Account(store, { changed: () => {}, credentialsChanged: () => changes.push(Date.now()) });
  return { account, store, changes };
}

beforeEach(() => { vi.useFakeTimers({ now: Date.parse('2026-06-01T12:00:00Z') }); vi.spyOn(console, 'info').mockImplementation(() => {}); });
afterEach(() => { vi.useRealTimers(); vi.unstubAllGlobals(); vi.restoreAllMocks(); });

it('renews a token before it expires, and uses each refresh token once', async () => {
  let issued = 0;
  const asked = answers(() => me(600), () => Response.json({ access_token: `access ${++issued}`, token_type: 'bearer', refresh_token: `refresh ${issued}`, expires_in: 600 }));
  const { account, store } = signedIn('r0');
  expect(await account.token()).toBe('first');
  await account.start(undefined);
  expect(account.state).toMatchObject({ status: 'in', person: { name: 'ada' } });
  await vi.advanceTimersByTimeAsync(8 * MINUTE_MS);
  expect(issued).toBe(0);
  await vi.advanceTimersByTimeAsync(1.5 * MINUTE_MS);
  expect([await account.token(), store.tokens?.refresh]).toEqual(['access 1', 'refresh 1']);
  // Asleep for an hour: several connections ask at once.
  vi.setSystemTime(Date.now() + 60 * MINUTE_MS);
  expect(await Promise.all([account.token(), account.token(), account.token()])).toEqual(['access 2', 'access 2', 'access 2']);
  expect(asked.filter((url) => url.includes('token')).length).toBe(2);
});

it('stays signed in while the provider is away, and ends when it refuses', async () => {
  let token = () => Response.error();
  answers(() => me(600), () => token());
  const { account, store, changes } = signedIn('r0');
  await account.start(undefined);
  await vi.advanceTimersByTimeAsync(9.5 * MINUTE_MS);
  expect(account.state).toMatchObject({ status: 'in', person: { name: 'ada' }, problem: 'provider' });
  expect(await account.token()).toBe('first');
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  expect([await account.token(), changes]).toEqual([undefined, []]);
  token = () => Response.json({ access_token: 'second', token_type: 'bearer', expires_in: 600 });
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  expect([account.state.problem, await account.token(), store.tokens?.refresh]).toEqual([undefined, 'second', 'r0']);
  token = () => Response.json({ error: 'invalid_grant' }, { status: 400 });
  await vi.advanceTimersByTimeAsync(10 * MINUTE_MS);
  expect(account.state).toEqual({ status: 'out', person: undefined, problem: 'ended' });
  expect([await account.token(), store.tokens, changes.length]).toEqual([undefined, undefined, 1]);
});

it('ends with its token where none replaces it', async () => {
  answers(() => me(600));
  const { account } = signedIn(undefined);
  await account.start(undefined);
  await vi.advanceTimersByTimeAsync(9.9 * MINUTE_MS);
  expect(account.state.status).toBe('in');
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  expect(account.state).toMatchObject({ status: 'out', problem: 'ended' });
  answers(() => new Response(null, { status: 401 }));
  const refused = signedIn('r0');
  await refused.account.start(undefined);
  expect(refused.account.state).toMatchObject({ status: 'out', problem: 'refused' });
  expect(refused.store.tokens).toBeUndefined();
});

it('asks again where the server did not answer', async () => {
  let answer = () => new Response(null, { status: 503 });
  answers(() => answer());
  const { account } = signedIn('r0');
  await account.start(undefined);
  expect(account.state).toMatchObject({ status: 'in', person: undefined, problem: 'server' });
  answer = () => me(600);
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  expect(account.state).toMatchObject({ status: 'in', person: { name: 'ada' }, problem: undefined });
});

it('stays signed in where the page starts without a network', async () => {
  let connected = false;
  answers(() => me(600));
  const online = globalThis.fetch;
  vi.stubGlobal('fetch', (...request: Parameters<typeof fetch>) => (connected ? online(...request) : Promise.reject(new TypeError('Failed to fetch'))));
  const { account, store } = signedIn('r0');
  await account.start(undefined);
  expect([account.state.status, account.state.problem, store.tokens?.access]).toEqual(['in', 'server', 'first']);
  connected = true;
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  expect(account.state).toMatchObject({ status: 'in', person: { name: 'ada' }, problem: undefined });
  connected = false;
  const nobody = new Account(new Store(memory()), { changed: () => {}, credentialsChanged: () => {} });
  await nobody.start(undefined);
  expect(nobody.state.status).toBe('off');
});

it('takes no answer to a question that this tab has not asked', async () => {
  answers(() => me(600));
  const account = new Account(new Store(memory()), { changed: () => {}, credentialsChanged: () => {} });
  await account.start({ parameters: '?code=1&state=2', pending: undefined });
  expect(account.state).toMatchObject({ status: 'out', problem: 'state' });
});
