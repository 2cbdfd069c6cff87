// Signing in on the operators' page at a real identity provider: authorization code with PKCE, there and back, renewal by a reload, sign-out, refusal.
import type { IncomingMessage } from 'node:http';
import type { Browser, Page, Request } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launch } from '../browser.mjs';
import { startIdentityProvider } from '../identity-provider.mjs';
import { startSky, type Answer } from '../sky.mjs';
import { DESKTOP, Visit } from './open';

let browser: Browser;
beforeAll(async () => { browser = await launch(); });
afterAll(() => browser?.close());

const STEP = { timeout: 60_000 };
const SCOPES = ['picture:read', 'audit:read', 'alert:handle', 'alert:handle_any'];
const RECORD = { happened_at_us: String(Date.now() * 1000), user_id: 'token/ada', action: 'alert.acknowledge', subject: 'alert/17-5', outcome: 'accepted', request_id: '1' };

/** The page, its server and its provider. The server accepts the provider's tokens alone. `scopes`: of the person who signs in. */
async function stage(scopes: readonly string[] = SCOPES) {
  // The provider has to know the page, and the page's policy the provider: the port of the page is taken first.
  const { url } = await startSky({ count: 1 }).then((first) => { first.close(); return first; });
  const provider = await startIdentityProvider({ page: `${url}operate` });
  const accepted: (string | undefined)[] = [];
  const forToken = (body: (claims: Record<string, unknown>) => object) => async ({ headers, url: address }: IncomingMessage): Promise<Answer> => {
    try {
      const claims = await provider.verify((headers.authorization ?? '').replace('Bearer ', ''));
      accepted.push(address);
      return { body: body(claims) };
    } catch {
      return { status: 401, body: { detail: 'these credentials are not accepted here, or not any more', code: 'unauthorized' } };
    }
  };
  const sky = await startSky({
    count: 1, port: Number(new URL(url).port), issuer: provider.issuer,
    api: {
      '/api/v1/sign-in': () => ({ body: { status: 'ready', server_time: new Date().toISOString(), provider: provider.offer } }),
      '/api/v1/me': forToken(({ sub, name, roles, exp }) => ({ subject: sub, name, roles, scopes, devices: [], server_time: new Date().toISOString(), expires_at: new Date(Number(exp) * 1000).toISOString() })),
      '/api/v1/alerts': () => ({ body: { alerts: [] } }),
      '/api/v1/audit': forToken(() => ({ records: [RECORD] })),
    },
  });
  const visit = await Visit.start(browser, sky, { viewport: DESKTOP });
  const { page } = visit;
  const toProvider: Request[] = [];
  page.on('request', (request) => { if (request.url().startsWith(provider.issuer)) toProvider.push(request); });
  // The provider's own pages name a font of another host.
  await page.route(/fonts\.g/, (route) => route.fulfill({ status: 200, contentType: 'text/css', body: '' }));
  const end = async (expected: RegExp[] = []) => {
    await visit.end(expected, [new URL(provider.issuer).host, 'fonts.googleapis.com']);
    sky.close();
    provider.stop();
  };
  return { sky, page, accepted, toProvider, end };
}

/** From the page's form through the provider's login. */
async function logIn(page: Page): Promise<void> {
  await page.click('.action.primary >> text=Sign in', STEP);
  await page.waitForSelector('input[name=login]', STEP);
  await page.fill('input[name=login]', 'ada');
  await page.fill('input[name=password]', 'any');
  await page.click('button[type=submit]');
  await page.waitForSelector('text=Continue', STEP);
}

it('signs in with PKCE, returns to its tab, and signs out', async () => {
  const { sky, page, accepted, toProvider, end } = await stage();
  await page.goto(`${sky.url}operate#audit=110B90`);
  await logIn(page);
  await page.click('button[type=submit]');
  await page.waitForSelector('.page-tools .who >> text=Signed in as Ada Lovelace', STEP);
  // Back on the tab of the address, without the provider's answer.
  expect(page.url()).toBe(`${sky.url}operate#audit=110B90`);
  await page.waitForSelector('#audit tbody >> text=token/ada', STEP);
  expect(accepted.some((address) => address?.startsWith('/api/v1/audit?device=110B90'))).toBe(true);

  const asked = new URL(toProvider.find((request) => request.url().includes('/auth?'))!.url()).searchParams;
  expect(Object.fromEntries(asked)).toMatchObject({ response_type: 'code', code_challenge_method: 'S256', client_id: 'map', redirect_uri: `${sky.url}operate` });
  const exchanged = new URLSearchParams(toProvider.find((request) => request.url().endsWith('/token'))!.postData() ?? '');
  expect(exchanged.get('grant_type')).toBe('authorization_code');
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(exchanged.get('code_verifier')!));
  expect(Buffer.from(digest).toString('base64url')).toBe(asked.get('code_challenge'));

  // A reload goes on, and no key was needed.
  await page.reload();
  await page.waitForSelector('#audit tbody >> text=token/ada', STEP);
  await expect.poll(() => page.evaluate(() => Object.keys(sessionStorage))).toEqual(['updraft-tokens']);
  await page.click('#sign-out');
  await page.waitForSelector('text=Do you want to sign-out', STEP);
  await page.click('button[value=yes]');
  await page.waitForSelector('#key', STEP);
  await expect.poll(() => page.isVisible('#audit')).toBe(false);
  await expect.poll(() => page.evaluate(() => ({ ...sessionStorage }))).toEqual({});
  await end();
});

it('shows what the roles allow, and a missing consent', async () => {
  const { sky, page, end } = await stage(['picture:read']);
  await page.goto(`${sky.url}operate#audit`);
  await logIn(page);
  await page.click('a[href$=abort]');
  await page.waitForSelector('[role=alert] >> text=did not consent', STEP);
  expect(new URL(page.url()).search).toBe('');
  // The provider still knows who it is.
  await page.click('.action.primary >> text=Sign in');
  await page.waitForSelector('text=Continue', STEP);
  await page.click('button[type=submit]');
  await page.waitForSelector('text=audit:read', STEP);
  await expect.poll(() => page.isVisible('#audit')).toBe(false);
  await end();
});
