// A real identity provider, the certified implementation oidc-provider, on a port of this machine: with its own pages to log in and to consent.
// Its types are in identity-provider.d.mts.
import { createServer } from 'node:http';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { Provider } from 'oidc-provider';

const AUDIENCE = 'updraft';
/** What its tokens are for, as RFC 8707 names it. */
const RESOURCE = 'https://map.example.org/api';

/** `page`: where it may send people back to. `tokenS`: how long access tokens live. */
export async function startIdentityProvider({ page, tokenS = 600 }) {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://localhost:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'map', token_endpoint_auth_method: 'none', grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
      redirect_uris: [page], post_logout_redirect_uris: [page],
    }],
    clientBasedCORS: () => true,
    cookies: { keys: ['only for tests'] },
    features: {
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({ scope: 'position:write', audience: AUDIENCE, accessTokenFormat: 'jwt', accessTokenTTL: tokenS }),
      },
    },
    extraTokenClaims: () => ({ name: 'Ada Lovelace', roles: ['pilot'] }),
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    pkce: { required: () => true },
    ttl: { Grant: 3600, IdToken: 600, Interaction: 600, RefreshToken: 3600, Session: 3600 },
  });
  server.on('request', provider.callback());
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
  let down = false;
  return {
    issuer,
    /** As the server describes it to the page. */
    offer: {
      issuer, client_id: 'map', audience: RESOURCE, scope: 'openid offline_access position:write', authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token`,
      end_session_endpoint: `${issuer}/session/end`, revocation_endpoint: `${issuer}/token/revocation`,
    },
    /** The claims of an access token of this provider; rejects where it is none. */
    verify: async (token) => (await jwtVerify(token, keys, { issuer, audience: AUDIENCE })).payload,
    stop() {
      if (down) return;
      down = true;
      server.close();
      server.closeAllConnections();
    },
  };
}
