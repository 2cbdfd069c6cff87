import { describe, expect, it } from 'vitest';
import { labelBox, placeLabels, SIDES, type Box, type Side, type Wish } from './labels';

const wish = (id: number, x: number, y: number, isUrgent = false): Wish => ({ id, x, y, width: 60, height: 24, gap: 20, isUrgent });
const symbol = ({ id, x, y }: Wish) => ({ id, left: x - 12, right: x + 12, top: y - 12, bottom: y + 12 });
const cover = (a: Box, b: Box) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
const NEW = new Map<number, Side>();

describe('a label', () => {
  it('stands to the right of its symbol, where that is free', () => {
    expect(placeLabels([wish(1, 0, 0)], [], NEW)).toEqual(new Map([[1, 'right']]));
    expect(labelBox(wish(1, 0, 0), 'right')).toEqual({ left: 20, right: 80, top: -12, bottom: 12 });
  });

  it('is not kept away by its own symbol', () => {
    const one = wish(1, 0, 0);
    expect(placeLabels([one], [{ ...symbol(one), right: 200 }], NEW).get(1)).toBe('right');
  });

  it('goes to another side of the symbol, or nowhere', () => {
    const right = { id: 2, left: 30, right: 50, top: -5, bottom: 5 };
    const all = [right, { left: -50, right: -30, top: -5, bottom: 5 }, { left: -5, right: 5, top: -40, bottom: -30 }, { left: -5, right: 5, top: 30, bottom: 40 }];
    expect(all.map((_, i) => placeLabels([wish(1, 0, 0)], all.slice(0, i + 1), NEW).get(1))).toEqual(['left', 'above', 'below', undefined]);
  });

  it('stays where it was before', () => {
    expect(placeLabels([wish(1, 0, 0)], [], new Map([[1, 'below']])).get(1)).toBe('below');
  });

  it('that is urgent covers symbols, but no label', () => {
    const around = [{ left: -300, right: 300, top: -300, bottom: 300 }];
    expect(placeLabels([wish(1, 0, 0, true), wish(2, 0, 0)], around, NEW)).toEqual(new Map([[1, 'right']]));
    const crowd = Array.from({ length: 9 }, (_, id) => wish(id, id, 0, true));
    expect(placeLabels(crowd, around, NEW).size).toBe(SIDES.length);
  });
});

it('covers no other label and no symbol in any crowd', () => {
  let seed = 1;
  const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
  let before = NEW;
  for (const count of [10, 100, 1000]) {
    const wishes = Array.from({ length: count }, (_, id) => wish(id, random() * 1200 - 100, random() * 800 - 100));
    const places = placeLabels(wishes, wishes.map(symbol), before);
    expect(places.size).toBeGreaterThan(0);
    const boxes = wishes.flatMap((one) => (places.has(one.id) ? [{ id: one.id, ...labelBox(one, places.get(one.id)!) }] : []));
    for (const [i, box] of boxes.entries()) {
      expect(boxes.slice(i + 1).filter((other) => cover(box, other))).toEqual([]);
      expect(wishes.filter((other) => other.id !== box.id && cover(box, symbol(other)))).toEqual([]);
    }
    before = places;
  }
});
