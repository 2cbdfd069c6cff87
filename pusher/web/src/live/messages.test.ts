import { expect, it } from 'vitest';
import { newText, withMark } from './messages';

it('marks a device while its text is new', () => {
  const device = { text: 'Landing at the lake', textAt: 1000 };
  expect([1000, 600_999, 601_000].map((now) => newText(device, now))).toEqual(['✉ Landing at the lake', '✉ Landing at the lake', '']);
  expect(withMark('Ada', device, 2000)).toBe('✉ Ada');
  expect([withMark('Ada', device, 9e6), withMark('Ada', {}, 0)]).toEqual(['Ada', 'Ada']);
});
