import { describe, expect, it } from 'vitest';
import { piles, Spreading, spreadPile, type Spot } from './spread';

const at = (id: number, x: number, y: number): Spot => ({ id, x, y });
const NO_GROUPS = new Map<number, number>();
/** As the module draws symbols at zoom 8: some 28 pixels wide. */
const nearest = (spots: Spot[]): number => Math.min(...spots.flatMap((a, i) => spots.slice(i + 1).map((b) => Math.hypot(a.x - b.x, a.y - b.y))));

describe('a pile', () => {
  it('contains symbols that hide each other, over any border of the search', () => {
    const groups = piles([at(1, 33, 33), at(2, 35, 35), at(3, 90, 90), at(4, -1, 0), at(5, 1, 0), at(6, 33, 52)], NO_GROUPS);
    expect(groups.map((group) => group.map(({ id }) => id).sort()).sort()).toEqual([[1, 2, 6], [4, 5]]);
  });

  it('holds together a little longer than it takes to form', () => {
    const pair = [at(1, 0, 0), at(2, 28, 0)];
    expect(piles(pair, NO_GROUPS)).toEqual([]);
    expect(piles(pair, new Map([[1, 0], [2, 0]]))).toHaveLength(1);
    expect(piles(pair, new Map([[1, 0], [2, 1]]))).toEqual([]);
  });

  it('is spread so far that every symbol can be seen', () => {
    for (const count of [2, 3, 7, 12, 13, 40, 60]) {
      const pile = Array.from({ length: count }, (_, i) => at(i, Math.sin(i) * 3, Math.cos(i) * 3));
      const shifts = spreadPile(pile);
      const drawn = pile.map(({ id, x, y }) => at(id, x + shifts.get(id)!.dx, y + shifts.get(id)!.dy));
      expect(nearest(drawn), `${count} at one position`).toBeGreaterThan(20);
    }
  });

  it('stands around a member that stays', () => {
    for (const count of [2, 5, 30]) {
      const pile = Array.from({ length: count }, (_, i) => ({ ...at(i, i % 3, i % 5), fixed: i === 1 }));
      const shifts = spreadPile(pile);
      expect(shifts.has(1)).toBe(false);
      const drawn = pile.map(({ id, x, y }) => at(id, x + (shifts.get(id)?.dx ?? 0), y + (shifts.get(id)?.dy ?? 0)));
      expect(nearest(drawn), `${count} at one position`).toBeGreaterThan(20);
    }
  });

  it('of a thousand stays a pile', () => {
    expect(spreadPile(Array.from({ length: 1000 }, (_, i) => at(i, 0, 0))).size).toBe(0);
  });
});

/** Where the symbols are after some drawings. */
function drawn(spots: readonly Spot[], drawings: number): Spot[] {
  const spreading = new Spreading();
  for (let i = 1; i < drawings; i++) spreading.next(spots);
  const shifts = spreading.next(spots);
  return spots.map((spot) => ({ ...spot, x: spot.x + (shifts.get(spot.id)?.dx ?? 0), y: spot.y + (shifts.get(spot.id)?.dy ?? 0) }));
}

describe('a crowd', () => {
  it('at one position is spread, so that each is seen', () => {
    for (const count of [61, 120, 300]) {
      expect(nearest(drawn(Array.from({ length: count }, (_, i) => at(i, 0, 0)), 120)), `${count}`).toBeGreaterThan(20);
    }
  });

  it('in a row of overlapping symbols stays near its positions', () => {
    const row = Array.from({ length: 100 }, (_, i) => at(i, i * 18, (i % 3) * 4));
    const after = drawn(row, 120);
    expect(nearest(after)).toBeGreaterThan(20);
    expect(Math.max(...after.map(({ x, y }, i) => Math.hypot(x - row[i]!.x, y - row[i]!.y)))).toBeLessThan(80);
  });

  it('leaves its selected member in place', () => {
    const crowd = Array.from({ length: 100 }, (_, i) => ({ ...at(i, i % 7, i % 5), fixed: i === 3 }));
    const after = drawn(crowd, 120);
    expect(after[3]).toMatchObject({ x: 3, y: 3 });
    expect(nearest(after)).toBeGreaterThan(20);
  });

  it('comes to rest', () => {
    const crowd = Array.from({ length: 150 }, (_, i) => at(i, Math.sin(i) * 60, Math.cos(i * 3) * 60));
    const [before, after] = [drawn(crowd, 300), drawn(crowd, 301)];
    expect(Math.max(...after.map(({ x, y }, i) => Math.hypot(x - before[i]!.x, y - before[i]!.y)))).toBeLessThan(1);
  });
});

describe('from one drawing to the next', () => {
  it('a symbol moves to its side step by step, and back', () => {
    const spreading = new Spreading();
    const pair = [at(1, 0, 0), at(2, 4, 0)];
    const first = spreading.next(pair).get(1)!;
    let last = first;
    for (let i = 0; i < 20; i++) {
      const next = spreading.next(pair).get(1)!;
      expect(Math.hypot(next.dx - last.dx, next.dy - last.dy)).toBeLessThan(12);
      last = next;
    }
    expect(Math.hypot(last.dx, last.dy)).toBeGreaterThan(Math.hypot(first.dx, first.dy));
    for (let i = 0; i < 20; i++) spreading.next([at(1, 0, 0), at(2, 400, 0)]);
    expect(spreading.next([at(1, 0, 0), at(2, 400, 0)]).size).toBe(0);
  });
});
