import { expect, it, vi } from 'vitest';
import { Formats, type TimeZone, type Units } from '../settings/formats';

vi.mock('uplot', () => ({ default: class {} }));
const { keyOf } = await import('./chart');

it('is made again for other lines, units or zones only', () => {
  const key = (units: Units, zone: TimeZone, label = 'Ada', value = 1) => {
    const formats = new Formats(units, zone);
    const text = { label: '', time: (ms: number) => formats.time(ms), value: (metres: number) => formats.altitude(metres) };
    return keyOf([{ label, colour: '#fff', points: [{ at: 1, value }] }], text);
  };
  expect(key('metric', 'utc', 'Ada', 2)).toBe(key('metric', 'utc'));
  expect(new Set([key('metric', 'utc'), key('imperial', 'utc'), key('metric', 'local'), key('metric', 'utc', 'Bob')]).size).toBe(4);
});
