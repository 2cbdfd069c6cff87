import { expect, it } from 'vitest';
import { colourAt, coloursOf, isOver, parseGroup, withColour, withMember, withoutMember, writeGroup, type Group } from './group';

const END = Date.UTC(2026, 6, 14, 18);
const GROUP: Group = { title: 'Coupe & Pokal', members: [{ device: 0x110b90, colour: colourAt(0) }, { device: 0x080003, colour: '#ff8800' }], endsAt: END };
const read = (fragment: string) => parseGroup(new URLSearchParams(fragment));

it('is written into a link and read from it', () => {
  const fields = writeGroup(GROUP);
  expect(fields).toEqual({ group: '110B90,080003.ff8800', 'group-title': 'Coupe%20%26%20Pokal', 'group-end': '2026-07-14T18:00' });
  expect(read(Object.entries(fields).map(([name, value]) => `${name}=${value}`).join('&'))).toEqual(GROUP);
  expect(writeGroup(undefined)).toEqual({});
});

it('takes over only what it can read', () => {
  expect(read('group=xyz,110B90.notacolour,110b90&group-end=tomorrow')).toEqual({ title: '', members: [{ device: 0x110b90, colour: colourAt(1) }] });
  expect(read('group=')).toBeUndefined();
  expect(read('group-title=Nobody')).toBeUndefined();
  expect(read(`group=${Array.from({ length: 400 }, (_, i) => (0x100000 + i).toString(16)).join(',')}`)?.members).toHaveLength(150);
});

it('shows no members after its end', () => {
  expect([isOver(GROUP, END - 1), isOver(GROUP, END)]).toEqual([false, true]);
  expect([...coloursOf(GROUP, END - 1).keys()]).toEqual([0x110b90, 0x080003]);
  expect(coloursOf(GROUP, END).size).toBe(0);
  expect(coloursOf(undefined, 0).size).toBe(0);
});

it('gives each member a colour of its own', () => {
  let group: Group | undefined;
  for (const device of [1, 2, 3, 2]) group = withMember(group, device);
  expect(group!.members.map(({ device, colour }) => [device, colour])).toEqual([[1, colourAt(0)], [2, colourAt(1)], [3, colourAt(2)]]);
  group = withMember(withoutMember(group!, 1), 4);
  expect(group.members.at(-1)).toEqual({ device: 4, colour: colourAt(0) });
  expect(withColour(group, 4, '#123456').members.at(-1)?.colour).toBe('#123456');
  expect(withoutMember({ title: '', members: [{ device: 1, colour: colourAt(0) }] }, 1)).toBeUndefined();
});
