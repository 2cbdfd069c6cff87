import { expect, it, vi } from 'vitest';
import { Followed } from './followed';

vi.stubGlobal('navigator', {});

it('names the device that it drops beyond the limit', () => {
  const followed = new Followed([1, 2], vi.fn());
  expect(followed.toggle(3, 2)).toBe(1);
  expect([[...followed.devices], followed.centred]).toEqual([[2, 3], 3]);
  expect(followed.toggle(3, 2)).toBeUndefined();
  expect(followed.centred).toBeUndefined();
});

it('takes over those of a link', () => {
  const followed = new Followed([1], vi.fn());
  followed.toggle(2, 9);
  followed.replace([4, 5]);
  expect([[...followed.devices], followed.centred]).toEqual([[4, 5], undefined]);
});
