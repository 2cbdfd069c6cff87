import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { LANGUAGES } from '../settings/language';
import { deviceAddress, hashOf, mapHash, tabAddressOf } from './address';
import { alertsOf } from './alerts';
import { detailsText, deviceOf } from './audit';
import { callerOf, may } from './caller';
import { bytesOf, sourceOf } from './dead-letters';
import { mayChange } from './device-changes';
import { divided } from './devices';
import { allowedText } from './keys';
import { clockText, isInTrouble, unusablePct } from './receivers';
import { periodOf } from './positions';
import { refusalOf, refusalText } from './refusal';
import { Reload } from './reload';
import { next, sorted } from './sorting';
import { textOfCode, useTexts } from './texts';
import { msOf } from './time';

const FOLDER = new URL('./languages/', import.meta.url);
const textsOf = (code: string): Record<string, string> => JSON.parse(readFileSync(new URL(`${code}.json`, FOLDER), 'utf8'));

it('has all texts in all languages of the map', () => {
  expect(readdirSync(FOLDER).map((file) => file.replace('.json', '')).sort()).toEqual(LANGUAGES.map(([code]) => code).sort());
  const english = textsOf('en');
  const values = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([value]) => value).sort();
  for (const [code] of LANGUAGES) {
    const texts = textsOf(code);
    expect(Object.keys(texts), code).toEqual(Object.keys(english));
    for (const [key, text] of Object.entries(texts)) expect(values(text), `${code}: ${key}`).toEqual(values(english[key]!));
  }
});

describe('refusals', () => {
  it('are distinguished by their status', () => {
    const kinds = [401, 403, 429, 503, 409, 500].map((status) => refusalOf(status, null, undefined).kind);
    expect(kinds).toEqual(['signedOut', 'forbidden', 'limited', 'unavailable', 'invalid', 'invalid']);
    expect(refusalOf(409, null, { detail: 'the alert 1-2 is resolved' })).toEqual({ kind: 'invalid', detail: 'the alert 1-2 is resolved' });
    expect(refusalOf(502, null, '<html>').detail).toBe('HTTP 502');
  });

  it('say when to come back', async () => {
    await useTexts('en');
    expect(refusalText(refusalOf(429, '7', {}))).toBe('Too many requests. Try again in 7 s. (HTTP 429)');
    expect(refusalText(refusalOf(503, 'Tue, 01 Dec 2026', { detail: 'not ready' }))).toBe('The server cannot do this now. Try again in a moment. (not ready)');
    expect(refusalText({ kind: 'unreached', detail: '' })).toBe('The server does not answer.');
  });
});

describe('tables', () => {
  it('are sorted by numbers and by text, unknown values last', () => {
    const items = [{ v: 10 }, { v: undefined }, { v: 9 }, { v: 100 }];
    expect(sorted(items, ({ v }) => v, true).map(({ v }) => v)).toEqual([9, 10, 100, undefined]);
    expect(sorted(items, ({ v }) => v, false).map(({ v }) => v)).toEqual([100, 10, 9, undefined]);
    expect(sorted(['b10', 'b9', 'a'], (text) => text, true)).toEqual(['a', 'b9', 'b10']);
  });

  it('change their order at a second click', () => {
    expect(next({ column: 0, ascending: true }, 0)).toEqual({ column: 0, ascending: false });
    expect(next({ column: 0, ascending: false }, 2)).toEqual({ column: 2, ascending: true });
  });
});

describe('addresses', () => {
  it('name a tab and what it is about', () => {
    expect(tabAddressOf('#audit=110B90')).toEqual({ tab: 'audit', subject: '110B90' });
    expect(tabAddressOf('')).toEqual({ tab: '', subject: '' });
    expect(tabAddressOf('#audit=%E0%A4%A')).toEqual({ tab: 'audit', subject: '' });
    expect(tabAddressOf(hashOf('audit', 'a b')).subject).toBe('a b');
    expect(mapHash('110B90', { latitude_deg: 46.6, longitude_deg: 7.9 })).toBe('./#map=12/46.6000/7.9000&device=110B90');
  });

  it('of devices have six hex digits', () => {
    expect([' 110b90 ', '110B9', '110B9G', ''].map(deviceAddress)).toEqual(['110B90', undefined, undefined, undefined]);
  });
});

it('offers what the scopes allow', () => {
  const pilot = callerOf({ subject: 'a1', scopes: ['device:manage', 'alert:handle'], devices: ['110B90'] });
  expect([may(pilot, '110B90', 'alert:handle', 'alert:handle_any'), may(pilot, '110B91', 'alert:handle', 'alert:handle_any')]).toEqual([true, false]);
  expect((['reset', 'hide', 'deny'] as const).map((change) => mayChange(pilot, change, '110B90'))).toEqual([false, true, false]);
  const operator = callerOf({ name: 'Ada', scopes: ['validation:reset', 'device:manage', 'device:manage_any'] });
  expect((['reset', 'hide', 'deny'] as const).map((change) => mayChange(operator, change, '110B91'))).toEqual([true, true, true]);
  expect([operator.name, pilot.name, callerOf(null).name]).toEqual(['Ada', 'a1', '?']);
});

it('reads the lists of the API', () => {
  const [alert] = alertsOf({ alerts: [{ alert_id: '1-2', device: '110B90', alert_kind: 'distress', status: 'resolved', opened_at_us: '1780000000000000', acknowledged_by: 'a', resolved_by: 'b' }] });
  expect([alert!.by, alert!.openedAt, alert!.unverified]).toEqual(['b', 1_780_000_000_000, false]);
  const doubtful = { device: '1', score: 20, last_reason: 'speed' };
  const shared = { device: '2', score: 100, address_conflict: {} };
  const both = { device: '3', score: 30, last_reason: 'speed', address_conflict: {} };
  expect(divided([doubtful, shared, both])).toEqual({ suspects: [doubtful, both], conflicts: [shared, both] });
  expect([msOf(undefined), msOf('0'), msOf('x'), msOf('5000')]).toEqual([undefined, undefined, undefined, 5]);
});

it('knows receivers in trouble', () => {
  const fine = { receiver_id: 'a', frames: '1000', unusable_frames: '10' };
  expect([isInTrouble(fine), isInTrouble({ ...fine, unusable_frames: '100' }), isInTrouble({ ...fine, clock_trouble: 'offset' }), isInTrouble({ ...fine, set_aside_since_us: '1' })]).toEqual([false, true, true, true]);
  expect(unusablePct({ receiver_id: 'b', frames: '1', unusable_frames: '9' })).toBe(0);
  expect(clockText({ receiver_id: 'a', clock_trouble: 'offset', clock_offset_us: '-34125867' })).toBe('off by more than 10 s (−34 s)');
});

it('explains dead letters as far as it can', () => {
  const letter = { partition: 0, offset: '1', reason: 'truncated', service: 'bridge', source_topic: 'fb/b/x/f/1', size: 4, value: '0102' };
  expect([sourceOf(letter), bytesOf(letter)]).toEqual(['fb/b/x/f/1', '01 02 …']);
  expect([sourceOf({ ...letter, source_topic: 'fanet.raw.v1', source_partition: 7, source_offset: '9' }), bytesOf({ ...letter, explanation: 'a frame', size: 2 })]).toEqual(['fanet.raw.v1 7/9', 'a frame']);
  expect([textOfCode('reason', 'speed'), textOfCode('reason', 'unknown_topic'), textOfCode('reason', undefined)]).toEqual(['too fast', 'unknown topic', '']);
});

it('shows what a key allows', () => {
  expect([allowedText({ key_id: 'a', roles: ['rescue'], scopes: ['picture:read', 'alert:handle'] }), allowedText({ key_id: 'b', scopes: ['position:write'] })]).toEqual(['rescue', 'position:write']);
});

it('shows what a record of the audit trail is about', () => {
  const record = { user_id: 'a', action: 'alert.resolve', subject: 'alert/1-2', details: { command_id: 'c', remark: 'found', device: '110B90' } };
  expect([detailsText(record), deviceOf(record), deviceOf({ ...record, subject: '07AB12', details: {} }), deviceOf({ ...record, details: {} })]).toEqual(['device: 110B90; remark: found', '110B90', '07AB12', undefined]);
});

describe('reloading', () => {
  it('has one load at a time, and waits as the server asks', async () => {
    vi.useFakeTimers();
    vi.stubGlobal('document', { hidden: false });
    let loads = 0;
    const reload = new Reload(async () => { loads += 1; return loads === 2 ? { kind: 'limited', detail: '', retryAfterS: 30 } : undefined; }, 5_000, false);
    await Promise.all([reload.now(), reload.now()]);
    await vi.advanceTimersByTimeAsync(0);
    expect(loads).toBe(2);
    await vi.advanceTimersByTimeAsync(29_000);
    expect(loads).toBe(2);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(loads).toBe(3);
    reload.pause(true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(loads).toBe(3);
    reload.pause(false);
    await vi.advanceTimersByTimeAsync(0);
    expect(loads).toBe(4);
    reload.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(loads).toBe(4);
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });
});

it('asks for positions until now, or until a local time', () => {
  const ahead = () => 2 * 3_600_000;
  expect(periodOf('', ahead, 10)).toEqual({ hours: String(1 / 6) });
  expect(periodOf('2026-07-14T12:00', ahead, 60)).toEqual({ from: '2026-07-14T09:00:00.000Z', to: '2026-07-14T10:00:00.000Z' });
});
