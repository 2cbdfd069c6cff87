// The operators' page: a key, an alert, a score, the audit trail, what is said where something is refused, by keyboard and in another language.
import type { IncomingMessage } from 'node:http';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launch } from '../browser.mjs';
import { startSky, type Answer } from '../sky.mjs';
import { axeViolations, DESKTOP, Visit } from './open';

let browser: Browser;
beforeAll(async () => { browser = await launch(); });
afterAll(() => browser?.close());

/** Nothing is drawn: it does not take long. */
const STEP = { timeout: 60_000 };
const KEY = 'updraft_a1b2c3d4e5f60718_5e';
const SCOPES = ['picture:read', 'position:write', 'validation:read', 'validation:reset', 'device:manage', 'device:manage_any', 'alert:handle', 'alert:handle_any', 'audit:read', 'dead_letter:read', 'key:read'];
const ago = (seconds: number) => String((Date.now() - seconds * 1000) * 1000);

/** The API as an operator finds it. */
class Operated {
  scopes = SCOPES;
  readonly commands: string[] = [];
  readonly #audit: object[] = [];
  readonly #alert: Record<string, unknown> = {
    alert_id: '17-123456', device: '110B90', name: 'Ada', alert_kind: 'distress', status: 'open', opened_at_us: ago(300), refreshed_at_us: ago(20), position: { latitude_deg: 46.6, longitude_deg: 7.9 }, unverified: true,
  };
  #score = 20;
  readonly #positions = [1, 2].map((step) => ({ observation_id: `17-${step}`, event_at_us: `178030800${step}000000`, position: { latitude_deg: 46.6, longitude_deg: 7.9, altitude_m: 1500 }, speed_kmh: 36, source: 'radio', of_track: true }));
  /** Answered once, in place of a list of alerts. */
  refusal: Answer | undefined;

  readonly api: Record<string, (request: IncomingMessage) => Answer | Promise<Answer>> = {
    '/api/v1/me': this.#with(() => ({ subject: 'a1b2c3d4e5f60718', name: 'rescue desk', roles: ['operator'], scopes: this.scopes, devices: [] })),
    '/api/v1/alerts': () => {
      const refusal = this.refusal;
      this.refusal = undefined;
      return refusal ?? { body: { alerts: [this.#alert] } };
    },
    '/api/v1/hidden-alerts': this.#with(() => ({ alerts: [{ alert_id: '18-5', device: '110B95', alert_kind: 'need_ride', status: 'open', opened_at_us: ago(30), refreshed_at_us: ago(20) }] })),
    '/api/v1/alerts/17-123456/acknowledge': this.#command('alert.acknowledge', 'alert/17-123456', () => Object.assign(this.#alert, { status: 'acknowledged', acknowledged_by: 'a1b2c3d4e5f60718' })),
    '/api/v1/alerts/17-123456/resolve': this.#command('alert.resolve', 'alert/17-123456', () => Object.assign(this.#alert, { status: 'resolved' })),
    '/api/v1/validation': this.#with(() => ({
      devices: [
        ...(this.#score < 70 ? [{ device: '07AB12', score: this.#score, published: false, plausible_frames: '3', implausible_frames: '9', last_reason: 'speed' }] : []),
        { device: '110B91', score: 100, published: true, plausible_frames: '30', implausible_frames: '0', address_conflict: { since_us: ago(900), newest_us: ago(5), frames: '41', position: { latitude_deg: 46.6, longitude_deg: 7.9 }, receiver_id: 'ogn-be-1', other_position: { latitude_deg: 47.5, longitude_deg: 9.2 }, other_receiver_id: 'ogn-sg-2' } },
      ],
    })),
    '/api/v1/validation/07AB12': this.#with(() => ({ device: '07AB12', score: this.#score, published: this.#score >= 70, last_reason: 'speed' })),
    '/api/v1/validation/07AB12/reset': this.#command('device.reset_score', '07AB12', () => { this.#score = 100; }),
    '/api/v1/devices/07AB12/positions': this.#with(() => ({ device: '07AB12', positions: this.#positions })),
    '/api/v1/devices/07AB12/positions/17-1/reject': this.#command('position.reject', '07AB12', () => { this.#positions[0]!.of_track = false; }),
    '/api/v1/devices/07AB12/positions/17-1/accept': this.#command('position.accept', '07AB12', () => { this.#positions[0]!.of_track = true; }),
    '/api/v1/devices/07AB12/deny': this.#command('device.deny', '07AB12', () => {}),
    '/api/v1/restrictions': this.#with(() => ({ devices: [{ device: '07AB12', denied: true }, { device: '110B92', hidden_by_command: true, name_hidden: true }] })),
    '/api/v1/dead-letters': this.#with(() => ({
      dead_letters: [
        { partition: 3, offset: '77', failed_at_us: ago(60), reason: 'truncated', service: 'processor', service_version: '0.1.0', source_topic: 'fanet.raw.v1', source_partition: 7, source_offset: '1234', receiver_id: 'ogn-be-1', size: 12, value: '8986446888fffeff0111900b', explanation: 'refused: truncated\n    0  89 86 44 68   timestamp_s   1749321353\n' },
        { partition: 1, offset: '5', failed_at_us: ago(90), reason: 'unknown_topic', service: 'bridge', source_topic: 'fb/b/x/q/1', size: 4, value: '0102' },
      ],
    })),
    '/api/v1/audit': this.#with(() => ({ records: this.#audit })),
    '/api/v1/keys': this.#with(() => ({ loaded: true, keys: [{ key_id: 'a1b2c3d4e5f60718', name: 'rescue desk', roles: ['operator'], scopes: SCOPES }, { key_id: 'ff', scopes: ['position:write'], devices: ['110B90'], public: true, expires_at_us: ago(3600) }] })),
  };

  #isKnown({ headers }: IncomingMessage): boolean {
    return headers.authorization === `Bearer ${KEY}`;
  }

  #with(body: () => unknown): (request: IncomingMessage) => Answer {
    return (request) => (this.#isKnown(request) ? { body: body() } : { status: 401, body: { detail: 'these credentials are not accepted here, or not any more', code: 'unauthorized' } });
  }

  #command(action: string, subject: string, apply: () => void): (request: IncomingMessage) => Promise<Answer> {
    return async (request) => {
      if (!this.#isKnown(request)) return { status: 401, body: {} };
      let text = '';
      for await (const part of request) text += String(part);
      this.commands.push(`${request.method} ${request.url} ${text}`.trim());
      this.#audit.unshift({ happened_at_us: ago(0), user_id: 'a1b2c3d4e5f60718', action, subject, scope: 'alert:handle_any', credential: 'api_key', client_class: 'loopback', outcome: 'accepted', request_id: String(this.commands.length).padStart(32, '0'), details: { command_id: 'c', device: '110B90', ...(text !== '' && { remark: JSON.parse(text).remark }) } });
      apply();
      return { status: 202, body: { command_id: 'c', record_id: `17-${this.commands.length}` } };
    };
  }
}

async function open(operated: Operated, options = {}): Promise<{ visit: Visit; page: Page; close: (expected?: RegExp[]) => Promise<void> }> {
  const sky = await startSky({ count: 1, api: operated.api });
  const visit = await Visit.start(browser, sky, { viewport: DESKTOP, bypassCSP: true, ...options });
  visit.page.setDefaultTimeout(STEP.timeout);
  await visit.page.goto(`${sky.url}operate`);
  return { visit, page: visit.page, close: async (expected) => { await visit.end(expected); sky.close(); } };
}

async function useKey(page: Page, key = KEY): Promise<void> {
  await page.waitForSelector('#key', STEP);
  await page.fill('#key', key);
  await page.keyboard.press('Enter');
}

/** A tab, once it is loaded. */
async function tab(page: Page, id: string, ready: string): Promise<void> {
  await page.click(`[data-tab=${id}]`);
  await page.waitForSelector(ready, STEP);
}

async function confirmed(page: Page, remark?: string): Promise<void> {
  await page.waitForSelector('dialog[open]', STEP);
  await expect.poll(() => page.isVisible('#remark')).toBe(remark !== undefined);
  if (remark !== undefined) await page.fill('#remark', remark);
  await page.click('dialog [value=yes]');
}

it('handles an alert and a score, and shows the audit trail', async () => {
  const operated = new Operated();
  const { page, close } = await open(operated);
  expect(await axeViolations(page)).toEqual([]);
  await useKey(page);
  await page.waitForSelector('#alerts .alarm >> text=Ada', STEP);
  await expect.poll(() => page.textContent('.page-tools .who')).toBe('Signed in as rescue desk');
  await expect.poll(() => page.textContent('#alerts tbody tr')).toContain('open, not verified');
  expect(await axeViolations(page)).toEqual([]);

  // The first choice changes nothing.
  await page.click('[data-action="alerts.acknowledge"]');
  await page.waitForSelector('dialog[open]', STEP);
  expect(await axeViolations(page)).toEqual([]);
  await page.keyboard.press('Escape');
  expect(operated.commands).toEqual([]);
  await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('data-action'))).toBe('alerts.acknowledge');
  await page.keyboard.press('Enter');
  await confirmed(page);
  await page.waitForSelector('.result >> text=Acknowledged: Ada (110B90) (record 17-1)', STEP);
  await page.waitForSelector('#alerts tbody >> text=acknowledged', STEP);
  await page.click('[data-action="alerts.resolve"]');
  await confirmed(page, 'found, unhurt');
  await page.waitForSelector('#alerts tbody >> text=resolved', STEP);
  await expect.poll(() => page.locator('#alerts button.action').count()).toBe(0);

  await expect.poll(() => page.isVisible('#hidden-alerts')).toBe(false);
  await page.click('#show-hidden');
  await page.waitForSelector('#hidden-alerts >> text=110B95', STEP);
  expect(await axeViolations(page)).toEqual([]);

  await tab(page, 'devices', '#suspects >> text=too fast');
  expect(page.url()).toContain('#devices');
  const conflict = await page.textContent('#conflicts tbody tr');
  expect(conflict).toContain('46.60000° N 7.90000° E, by ogn-be-1');
  expect(conflict).toContain('47.50000° N 9.20000° E, by ogn-sg-2');
  expect(await axeViolations(page)).toEqual([]);
  await page.click('#suspects [data-action="change.reset"]');
  await confirmed(page);
  await page.waitForSelector('.result >> text=Score reset: 07AB12 (record 17-3)', STEP);
  await page.waitForSelector('text=No device is in doubt.', STEP);
  await page.fill('#device', '07ab12');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.found >> text=07AB12: score 100, shown: yes', STEP);
  await page.click('.found [data-action="change.deny"]');
  await confirmed(page, 'false alarms');
  await page.waitForSelector('.result >> text=Denied: 07AB12', STEP);
  expect(operated.commands).toEqual([
    'POST /api/v1/alerts/17-123456/acknowledge', 'POST /api/v1/alerts/17-123456/resolve {"remark":"found, unhurt"}', 'POST /api/v1/validation/07AB12/reset',
    'POST /api/v1/devices/07AB12/deny {"remark":"false alarms"}',
  ]);

  await tab(page, 'audit', '#audit >> text=score reset');
  await expect.poll(() => page.locator('#audit tbody tr').count()).toBe(4);
  await expect.poll(() => page.textContent('#audit')).toContain('remark: found, unhurt');
  await page.click('#audit >> text=07AB12 >> nth=0');
  await page.waitForFunction(() => (document.querySelector('#audit-device') as HTMLInputElement | null)?.value === '07AB12', undefined, STEP);
  expect(page.url()).toContain('#audit=07AB12');
  expect(await axeViolations(page)).toEqual([]);
  await close();
});

it('rejects, corrects and accepts a recorded position', async () => {
  const operated = new Operated();
  const { page, close } = await open(operated);
  await useKey(page);
  await tab(page, 'devices', '#suspects tbody tr');
  await page.fill('#device', '07AB12');
  await page.keyboard.press('Enter');
  await page.click('#positions-show', STEP);
  const row = '#positions tbody tr:last-child';
  await page.waitForSelector(`${row} >> text=46.60000° N 7.90000° E`, STEP);
  expect(await axeViolations(page)).toEqual([]);
  await page.click(`${row} [data-action="positions.reject"]`);
  await confirmed(page, 'a reflection');
  await page.waitForSelector('.result >> text=Rejected: 07AB12', STEP);
  await page.click(`${row} [data-action="positions.accept"]`, STEP);
  await confirmed(page, '');
  await page.click(`${row} [data-action="positions.move"]`, STEP);
  await page.waitForSelector('dialog[open]', STEP);
  expect(await axeViolations(page)).toEqual([]);
  await page.fill('#latitude', '46.61');
  await page.fill('#altitude', '');
  await confirmed(page, '');
  await page.waitForSelector('.result >> text=Corrected: 07AB12', STEP);
  const path = 'POST /api/v1/devices/07AB12/positions/17-1';
  expect(operated.commands).toEqual([
    `${path}/reject {"event_at_us":"1780308001000000","remark":"a reflection"}`,
    `${path}/accept {"event_at_us":"1780308001000000"}`,
    `${path}/reject {"event_at_us":"1780308001000000","position":{"latitude_deg":46.61,"longitude_deg":7.9}}`,
  ]);
  await close();
});

it('shows all tabs of operators by keyboard', async () => {
  const { page, close } = await open(new Operated());
  await useKey(page);
  await page.waitForSelector('#alerts tbody tr', STEP);
  await page.focus('[data-tab=alerts]');
  const content: Record<string, [row: string, count: number]> = {
    devices: ['#suspects tbody tr', 1], restrictions: ['#restrictions tbody tr', 2], receivers: ['#receivers tbody tr', 1], 'dead-letters': ['#dead-letters tbody tr', 2], audit: ['text=No record matches.', 1], keys: ['#keys tbody tr', 2],
  };
  for (const [id, [row, count]] of Object.entries(content)) {
    await page.keyboard.press('ArrowRight');
    await page.waitForSelector(`[data-tab=${id}][aria-selected=true]`, STEP);
    await page.waitForSelector(row, STEP);
    await expect.poll(() => page.locator(row).count(), { message: id }).toBe(count);
    expect(await axeViolations(page), id).toEqual([]);
    await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('data-tab'))).toBe(id);
  }
  // The reload and the pause are offered where they do something.
  await expect.poll(() => page.isVisible('#pause')).toBe(true);
  await page.click('#pause');
  await expect.poll(() => page.getAttribute('#pause', 'aria-pressed')).toBe('true');
  const heads = () => page.locator('#keys th[aria-sort]:not([aria-sort=none])').getAttribute('aria-sort');
  const first = () => page.textContent('#keys tbody tr');
  expect(await heads()).toBe('ascending');
  expect(await first()).toContain('rescue desk');
  await page.focus('#keys .sort');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  expect(await heads()).toBe('descending');
  expect(await first()).toContain('ff');
  await tab(page, 'dead-letters', '#dead-letters tbody tr');
  await expect.poll(() => page.isVisible('#pause')).toBe(false);
  await page.click('#dead-letters summary >> nth=0');
  await expect.poll(() => page.textContent('#dead-letters details[open] pre')).toContain('timestamp_s');
  await tab(page, 'receivers', '#receivers tbody tr');
  await expect.poll(() => page.textContent('#receivers tbody tr')).toContain('off by more than 10 s (+34 s)');
  await page.check('#all-receivers');
  await expect.poll(() => page.locator('#receivers tbody tr').count()).toBe(6);
  await close();
});

it('says what is refused, and forgets a key that is not accepted', async () => {
  const operated = new Operated();
  operated.scopes = ['picture:read', 'validation:read'];
  const { page, close } = await open(operated, { locale: 'de-CH' });
  await useKey(page, 'updraft_wrong_1');
  await page.waitForSelector('[role=alert] >> text=Der Server nimmt diese Zugangsdaten nicht an', STEP);
  await expect.poll(() => page.evaluate(() => sessionStorage.length)).toBe(0);
  await useKey(page);
  await page.waitForSelector('#alerts tbody tr', STEP);
  await expect.poll(() => page.getAttribute('html', 'lang')).toBe('de');
  await expect.poll(() => page.locator('#alerts .row-actions button').count()).toBe(0);
  operated.refusal = { status: 503, body: { detail: 'the air picture is not complete yet' } };
  await page.click('#reload');
  await page.waitForSelector('[role=alert] >> text=Der Server kann das jetzt nicht', STEP);
  await page.click('#reload');
  await page.waitForSelector('[role=alert]:not([hidden])', { ...STEP, state: 'detached' }).catch(() => undefined);
  await page.click('[data-tab=audit]');
  await page.waitForSelector('text=Deine Zugangsdaten haben den Scope audit:read nicht', STEP);
  // Kept for a reload of this tab.
  await page.reload();
  await page.waitForSelector('[data-tab=audit][aria-selected=true]', STEP);
  await page.click('#sign-out');
  await page.waitForSelector('#key', STEP);
  await expect.poll(() => page.evaluate(() => sessionStorage.length)).toBe(0);
  await close([/status of (401|503)/]);
});

it('works under the policy of the server', async () => {
  const operated = new Operated();
  const { page, close } = await open(operated, { bypassCSP: false });
  await useKey(page);
  await page.click('[data-action="alerts.acknowledge"]', STEP);
  await confirmed(page);
  await page.waitForSelector('#alerts tbody >> text=acknowledged', STEP);
  expect(operated.commands).toHaveLength(1);
  await close();
});

it('does not work inside another page', async () => {
  const sky = await startSky({ count: 1, api: new Operated().api });
  const visit = await Visit.start(browser, sky, { viewport: DESKTOP, bypassCSP: true });
  await visit.page.goto(`${sky.url}operate`);
  await visit.page.setContent(`<iframe src="${sky.url}operate"></iframe>`);
  const frame = visit.page.frameLocator('iframe');
  await frame.locator('text=This page does not work inside another page').waitFor(STEP);
  await expect.poll(() => frame.locator('#key').count()).toBe(0);
  await visit.end();
  sky.close();
});
