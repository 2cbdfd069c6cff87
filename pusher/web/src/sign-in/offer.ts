/** The server's identity provider, and what the page asks of it. */
export interface Offer {
  issuer: string;
  clientId: string;
  audience: string;
  scope: string;
  authorizationEndpoint: string;
  tokenEndpoint: string;
  endSessionEndpoint: string | undefined;
  revocationEndpoint: string | undefined;
}

/** `off`: nobody can sign in here. `unreached`: the server does not answer. `unavailable`: not now, since the provider does not answer. `unsupported`: it lacks what the page needs. */
export type OfferState = 'off' | 'unreached' | 'unavailable' | 'unsupported' | Offer;

export interface OfferAnswer {
  state: OfferState;
  /** The server's clock minus ours, ms. */
  clockOffsetMs: number;
}

/** Loads how one signs in; a server without such an endpoint has no sign-in. */
export async function loadOffer(): Promise<OfferAnswer> {
  try {
    const response = await fetch('./api/v1/sign-in', { headers: { accept: 'application/json' } });
    return response.ok ? readOffer(await response.json(), Date.now()) : { state: 'off', clockOffsetMs: 0 };
  } catch {
    return { state: 'unreached', clockOffsetMs: 0 };
  }
}

export function readOffer(answer: unknown, now: number): OfferAnswer {
  const { status, server_time, provider } = fieldsOf(answer);
  const serverAt = Date.parse(textOf(server_time) ?? '');
  const clockOffsetMs = Number.isFinite(serverAt) ? serverAt - now : 0;
  const state = status === 'ready' ? offerOf(fieldsOf(provider)) : status === 'unavailable' || status === 'unsupported' ? status : 'off';
  return { state, clockOffsetMs };
}

function offerOf(fields: Record<string, unknown>): OfferState {
  const text = (name: string) => textOf(fields[name]);
  const [issuer, clientId, authorizationEndpoint, tokenEndpoint] = [text('issuer'), text('client_id'), text('authorization_endpoint'), text('token_endpoint')];
  if (issuer === undefined || clientId === undefined || authorizationEndpoint === undefined || tokenEndpoint === undefined) return 'unsupported';
  return {
    issuer, clientId, authorizationEndpoint, tokenEndpoint, audience: text('audience') ?? '', scope: text('scope') ?? 'openid',
    endSessionEndpoint: text('end_session_endpoint'), revocationEndpoint: text('revocation_endpoint'),
  };
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? value as Record<string, unknown> : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
