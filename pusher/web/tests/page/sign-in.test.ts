// Signing in on the map, at a real identity provider: there and back, renewal, sign-out, and what is said where it fails.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launch } from '../browser.mjs';
import { startIdentityProvider } from '../identity-provider.mjs';
import { startSky, type Answer } from '../sky.mjs';
import type { Hooks } from '../../src/hooks';
import { STEP, VIEW, Visit, type SkyServer } from './open';

declare const window: { updraft?: Hooks };

let browser: Browser;
beforeAll(async () => { browser = await launch(); });
afterAll(() => browser?.close());

/** Drawing is not what is tested. */
const SMALL = { viewport: { width: 720, height: 480 } };

type IdentityProvider = Awaited<ReturnType<typeof startIdentityProvider>>;

interface Stage {
  sky: SkyServer;
  provider: IdentityProvider;
  visit: Visit;
  page: Page;
}

/** `offered`: changes of what the server reports to the page. `clockMs`: the server's clock minus the one of this machine. */
async function stage({ tokenS = 600, offered = {}, clockMs = 0, issuer }: { tokenS?: number; offered?: Record<string, string>; clockMs?: number; issuer?: (own: string) => string } = {}): Promise<Stage> {
  let provider: IdentityProvider | undefined;
  const answers = {
    '/api/v1/sign-in': (): Answer => ({
      body: { status: 'ready', server_time: new Date(Date.now() + clockMs).toISOString(), provider: { ...provider!.offer, ...(issuer && { issuer: issuer(provider!.issuer) }), ...offered } },
    }),
    '/api/v1/me': async ({ headers }: { headers: { authorization?: string } }): Promise<Answer> => {
      try {
        const { sub, name, roles, exp } = await provider!.verify((headers.authorization ?? '').replace('Bearer ', ''));
        return { body: { subject: sub, name, roles, scopes: [], server_time: new Date().toISOString(), expires_at: new Date(exp! * 1000).toISOString() } };
      } catch {
        return { status: 401, body: {} };
      }
    },
  };
  // The provider has to know the page, and the page's policy the provider: the port of the page is taken first.
  const { url } = await startSky({ count: 1 }).then((first) => { first.close(); return first; });
  provider = await startIdentityProvider({ page: url, tokenS });
  const sky = await startSky({ count: 12, port: Number(new URL(url).port), api: answers, issuer: issuer ? issuer(provider.issuer) : provider.issuer });
  const visit = await Visit.start(browser, sky, SMALL);
  // The provider's own pages name a font of another host.
  await visit.page.route(/fonts\.g/, (route) => route.fulfill({ status: 200, contentType: 'text/css', body: '' }));
  return { sky, provider, visit, page: visit.page };
}

async function end({ sky, provider, visit }: Stage, expected: RegExp[] = []): Promise<void> {
  const { host } = new URL(provider.issuer);
  await visit.end(expected, [host, host.replace('localhost', '127.0.0.1'), 'fonts.googleapis.com']);
  sky.close();
  provider.stop();
}

const account = 'button[aria-label=Account]';
const zones = 'button[aria-label="Draw zones"]';

async function openAccount(page: Page): Promise<void> {
  await page.waitForSelector(account, STEP);
  if (await page.getAttribute(account, 'aria-expanded') !== 'true') await page.click(account);
}

/** To the provider's page, and through its login. */
async function logIn(page: Page): Promise<void> {
  await openAccount(page);
  await page.click('#account >> text=Sign in');
  await page.waitForSelector('input[name=login]', STEP);
  await page.fill('input[name=login]', 'ada');
  await page.fill('input[name=password]', 'any');
  await page.click('button[type=submit]');
}

async function consent(page: Page): Promise<void> {
  await page.waitForSelector('text=Continue', STEP);
  await page.click('button[type=submit]');
}

async function problem(page: Page): Promise<string | null> {
  await page.waitForFunction(() => window.updraft?.connected(), undefined, STEP);
  await openAccount(page);
  await page.waitForSelector('#account .problem', STEP);
  return page.textContent('#account .problem');
}

it('signs in at the provider, sends the token, and signs out', async () => {
  const one = await stage();
  const { sky, visit, page, provider } = one;
  await visit.open(`${VIEW}&follow=110B90`);
  await page.waitForSelector(account, STEP);
  // Without a person there is no permission to draw zones.
  expect(await page.isVisible(zones)).toBe(false);
  expect(visit.requests.filter((url) => url.includes('flow'))).toEqual([]);
  expect(sky.protocols.at(-1)).toBe('updraft.v1.proto');
  await logIn(page);
  await consent(page);
  await page.waitForFunction(() => window.updraft?.connected(), undefined, STEP);
  await openAccount(page);
  await page.waitForSelector('#account >> text=Signed in as Ada Lovelace', STEP);
  await expect.poll(() => page.textContent('#account .roles')).toBe('Roles: pilot');
  await expect.poll(() => page.textContent('#account .until')).toMatch(/^Valid until \d\d:\d\d:\d\d$/);
  const { search, hash } = new URL(page.url());
  expect([search, hash.includes('map=9/46.62/7.85'), hash.includes('follow=110B90')]).toEqual(['', true, true]);
  await expect.poll(() => sky.protocols.at(-1)).toContain('updraft.bearer.');
  const [, token] = /updraft\.bearer\.(\S+)/.exec(sky.protocols.at(-1)!)!;
  expect((await provider.verify(token!)).sub).toBe('ada');
  expect(await page.context().cookies(sky.url).then((cookies) => cookies.filter(({ domain }) => domain === '127.0.0.1'))).toEqual([]);
  // A reload of the page goes on, and so does nothing of it elsewhere.
  await page.reload();
  await visit.live();
  expect(sky.protocols.at(-1)).toContain('updraft.bearer.');
  await openAccount(page);
  await page.click('#account >> text=Sign out');
  await page.waitForSelector('text=Do you want to sign-out', STEP);
  await page.click('button[value=yes]');
  await visit.live();
  expect(new URL(page.url()).hash).toContain('follow=110B90');
  await openAccount(page);
  await page.waitForSelector('#account >> text=Not signed in', STEP);
  expect(sky.protocols.at(-1)).toBe('updraft.v1.proto');
  await expect.poll(() => page.evaluate(() => ({ ...sessionStorage }))).toEqual({});
  await end(one);
});

it('renews the token, also after a close as expired', async () => {
  const one = await stage({ tokenS: 12 });
  const { sky, visit, page } = one;
  await visit.open();
  await logIn(page);
  await consent(page);
  await visit.live();
  await expect.poll(() => sky.protocols.at(-1)).toContain('updraft.bearer.');
  const tokens = () => page.evaluate(() => (JSON.parse(sessionStorage.getItem('updraft-tokens') ?? '{}') as { access?: string; refresh?: string }));
  const first = await tokens();
  await expect.poll(async () => (await tokens()).access).not.toBe(first.access);
  expect((await tokens()).refresh).not.toBe(first.refresh);
  await page.waitForFunction(() => window.updraft?.resumable(), undefined, STEP);
  const connections = sky.protocols.length;
  for (const socket of sky.sockets) socket.close(4005);
  await expect.poll(() => sky.protocols.length).toBe(connections + 1);
  expect(sky.protocols.at(-1)).not.toContain(first.access);
  expect(sky.protocols.at(-1)).toContain('updraft.bearer.');
  expect(sky.addresses.at(-1)).toContain('resume=');
  await visit.live();
  await end(one);
});

it('says that one has not consented', async () => {
  const one = await stage();
  await one.visit.open();
  await logIn(one.page);
  await one.page.waitForSelector('text=Continue', STEP);
  await one.page.click('a[href$=abort]');
  expect(await problem(one.page)).toContain('did not consent');
  expect(new URL(one.page.url()).search).toBe('');
  await end(one);
});

it('says that another issuer has answered', async () => {
  const one = await stage({ issuer: (own) => own.replace('localhost', '127.0.0.1') });
  await one.visit.open();
  await logIn(one.page);
  await consent(one.page);
  expect(await problem(one.page)).toContain('Another identity provider');
  await end(one);
});

it('says that the provider is down, and stays on the page', async () => {
  const one = await stage();
  await one.visit.open();
  one.provider.stop();
  await openAccount(one.page);
  await one.page.click('#account >> text=Sign in');
  expect(await problem(one.page)).toContain('cannot be reached');
  expect(one.page.url()).toContain(one.sky.url);
  await end(one, [/ERR_CONNECTION_REFUSED/]);
});

it('reports differing clocks of server and provider', async () => {
  const one = await stage({ clockMs: 2 * 3_600_000 });
  await one.visit.open();
  await logIn(one.page);
  await consent(one.page);
  expect(await problem(one.page)).toContain('clock');
  await end(one);
});

it('needs no right clock of the browser', async () => {
  const one = await stage();
  await one.page.addInitScript(() => {
    const now = Date.now;
    Date.now = () => now() + 5 * 3_600_000;
  });
  await one.visit.open();
  await logIn(one.page);
  await consent(one.page);
  await one.visit.live();
  await openAccount(one.page);
  await one.page.waitForSelector('#account >> text=Signed in as Ada Lovelace', STEP);
  await end(one);
});

it('offers nothing where the server has no sign-in', async () => {
  const sky = await startSky({ count: 12 });
  const visit = await Visit.start(browser, sky, SMALL);
  await visit.open();
  await expect.poll(() => visit.requests.some((url) => url.endsWith('/api/v1/sign-in'))).toBe(true);
  await expect.poll(() => visit.page.isVisible(account)).toBe(false);
  await visit.end();
  sky.close();
});
