import { expect, it } from 'vitest';
import { connectionPolicy, PAUSE_AFTER_MS, type Conditions } from './conditions.js';

const VISIBLE: Conditions = { saveData: false, watching: false };
const use = (some: Partial<Conditions>, now = 0) => connectionPolicy({ ...VISIBLE, ...some }, now);

it('is live while nothing speaks against it', () => {
  expect(use({})).toEqual({ paused: false, rate: 'live' });
  expect(use({ battery: { level: 0.9, charging: false } }).rate).toBe('live');
  expect(use({ battery: { level: 0.1, charging: true } }).rate).toBe('live');
});

it('saves data on request and with a low battery', () => {
  expect(use({ saveData: true }).rate).toBe('5s');
  expect(use({ battery: { level: 0.2, charging: false } }).rate).toBe('5s');
});

it('pauses a page that stays hidden', () => {
  expect(use({ hiddenSince: 0 }, PAUSE_AFTER_MS - 1)).toEqual({ paused: false, rate: 'live' });
  expect(use({ hiddenSince: 0 }, PAUSE_AFTER_MS)).toEqual({ paused: true, rate: '30s' });
});

it('keeps a slow connection while the user waits for notifications', () => {
  expect(use({ hiddenSince: 0, watching: true }, PAUSE_AFTER_MS)).toEqual({ paused: false, rate: '30s' });
});
