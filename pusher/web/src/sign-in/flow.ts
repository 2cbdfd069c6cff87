// Authorization code with PKCE, by oauth4webapi. Loaded at the first sign-in: most visitors never need it.
import * as oauth from 'oauth4webapi';
import type { Offer } from './offer';
import { SignInError, type Problem } from './problem';
import type { Pending, Tokens } from './store';

/** How far the clock of the provider may be off, after ours was corrected, seconds. */
const TOLERANCE_S = 60;
const DEADLINE_MS = 10_000;

/** The address of the provider's page, and what its answer is checked with. `here`: the page, without query and fragment. */
export async function begin(offer: Offer, here: string, back: string): Promise<{ url: string; pending: Pending }> {
  const pending = { state: oauth.generateRandomState(), nonce: oauth.generateRandomNonce(), verifier: oauth.generateRandomCodeVerifier(), back };
  const url = new URL(offer.authorizationEndpoint);
  const parameters = {
    response_type: 'code', client_id: offer.clientId, redirect_uri: here, scope: offer.scope, state: pending.state, nonce: pending.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(pending.verifier), code_challenge_method: 'S256', ...audienceOf(offer),
    // A provider gives a refresh token only where the person has agreed to it.
    ...(offer.scope.split(' ').includes('offline_access') && { prompt: 'consent' }),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return { url: url.href, pending };
}

/** Whether the provider answers: otherwise the browser would leave the page for an error of its own. */
export async function reach({ issuer }: Offer): Promise<void> {
  try {
    await fetch(`${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`, { mode: 'no-cors', cache: 'no-store', credentials: 'omit', signal: AbortSignal.timeout(DEADLINE_MS) });
  } catch (error) {
    throw new SignInError('provider', String(error));
  }
}

/** Checks the provider's answer, and gets the tokens for its code. `clockOffsetMs`: the right clock minus this browser's. */
export async function finish(offer: Offer, here: string, { state, nonce, verifier }: Pending, answer: string, clockOffsetMs: number): Promise<Tokens> {
  const parameters = new URLSearchParams(answer);
  if (parameters.get('state') !== state) throw new SignInError('state', 'the answer has another state than the question');
  const issuer = parameters.get('iss');
  if (issuer !== null && issuer !== offer.issuer) throw new SignInError('issuer', `the answer is of ${issuer}`);
  return explained(async () => {
    const [server, client] = partiesOf(offer, clockOffsetMs);
    const checked = oauth.validateAuthResponse(server, client, parameters, state);
    const response = await oauth.authorizationCodeGrantRequest(server, client, oauth.None(), checked, here, verifier, { ...optionsOf(offer), additionalParameters: audienceOf(offer) });
    return tokensOf(await oauth.processAuthorizationCodeResponse(server, client, response, { expectedNonce: nonce, requireIdToken: true }));
  });
}

/** New tokens for a refresh token. */
export async function renew(offer: Offer, tokens: Tokens, clockOffsetMs: number): Promise<Tokens> {
  const { refresh } = tokens;
  if (refresh === undefined) throw new SignInError('ended');
  const renewed = await explained(async () => {
    const [server, client] = partiesOf(offer, clockOffsetMs);
    const response = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), refresh, { ...optionsOf(offer), additionalParameters: audienceOf(offer) });
    return tokensOf(await oauth.processRefreshTokenResponse(server, client, response));
  }, 'ended');
  return { ...renewed, refresh: renewed.refresh ?? refresh, id: renewed.id ?? tokens.id };
}

/** Ends a refresh token at the provider, as far as it is reached: the tab has forgotten it in any case. */
export async function revoke(offer: Offer, { refresh }: Tokens): Promise<void> {
  if (offer.revocationEndpoint === undefined || refresh === undefined) return;
  const [server, client] = partiesOf(offer, 0);
  await oauth.revocationRequest(server, client, oauth.None(), refresh, optionsOf(offer)).catch(() => undefined);
}

/** The provider's page for the end of a sign-in; undefined: it has none. */
export function endUrl(offer: Offer, here: string, { id }: Tokens): string | undefined {
  if (offer.endSessionEndpoint === undefined) return undefined;
  const url = new URL(offer.endSessionEndpoint);
  url.searchParams.set('client_id', offer.clientId);
  url.searchParams.set('post_logout_redirect_uri', here);
  if (id !== undefined) url.searchParams.set('id_token_hint', id);
  return url.href;
}

/** RFC 8707: providers that know it name the audience of the token by it, which has to be a URI. */
function audienceOf({ audience }: Offer): Record<string, string> {
  return URL.canParse(audience) ? { resource: audience } : {};
}

function partiesOf(offer: Offer, clockOffsetMs: number): [oauth.AuthorizationServer, oauth.Client] {
  const server = {
    issuer: offer.issuer, authorization_endpoint: offer.authorizationEndpoint, token_endpoint: offer.tokenEndpoint,
    ...(offer.revocationEndpoint !== undefined && { revocation_endpoint: offer.revocationEndpoint }),
  };
  return [server, { client_id: offer.clientId, [oauth.clockSkew]: Math.round(clockOffsetMs / 1000), [oauth.clockTolerance]: TOLERANCE_S }];
}

function optionsOf({ tokenEndpoint }: Offer): { signal: AbortSignal; [oauth.allowInsecureRequests]: boolean } {
  // The server allows http to the own machine alone.
  return { signal: AbortSignal.timeout(DEADLINE_MS), [oauth.allowInsecureRequests]: tokenEndpoint.startsWith('http:') };
}

function tokensOf({ access_token, refresh_token, id_token, expires_in }: oauth.TokenEndpointResponse): Tokens {
  return { access: access_token, refresh: refresh_token, id: id_token, expiresAt: expires_in === undefined ? undefined : Date.now() + expires_in * 1000 };
}

/** `ofGrant`: the problem where the provider does not accept the code or the refresh token. */
async function explained<T>(work: () => Promise<T>, ofGrant: Problem = 'state'): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SignInError) throw error;
    throw new SignInError(explain(error, ofGrant), error instanceof Error ? error.message : String(error));
  }
}

/** The problem of an error of the library or of the network. */
export function explain(error: unknown, ofGrant: Problem = 'state'): Problem {
  if (error instanceof oauth.AuthorizationResponseError) return ofCode(error.error);
  if (error instanceof oauth.ResponseBodyError) return error.error === 'invalid_grant' ? ofGrant : error.status >= 500 ? 'provider' : ofCode(error.error);
  if (error instanceof oauth.OperationProcessingError) {
    const { claim, status } = (error.cause ?? {}) as { claim?: string; status?: number };
    if (error.code === oauth.JWT_TIMESTAMP_CHECK) return 'clock';
    if (error.code === oauth.JWT_CLAIM_COMPARISON) return claim === 'iss' ? 'issuer' : claim === 'nonce' ? 'state' : 'setup';
    if (error.code === oauth.RESPONSE_IS_NOT_CONFORM) return (status ?? 0) >= 500 ? 'provider' : 'setup';
    return 'setup';
  }
  // Of `fetch`: no network, the page's policy, or no answer in time.
  const isOfNetwork = (error instanceof TypeError && !('code' in error)) || (error instanceof DOMException && ['AbortError', 'TimeoutError'].includes(error.name));
  return isOfNetwork ? 'provider' : 'setup';
}

/** Error codes of OAuth 2.0 and OpenID Connect. */
function ofCode(code: string): Problem {
  switch (code) {
    case 'access_denied': case 'consent_required': case 'interaction_required': case 'login_required': return 'denied';
    case 'server_error': case 'temporarily_unavailable': return 'provider';
    default: return 'setup';
  }
}
