// Aircraft that would hide each other are spread around their position.

export interface Spot {
  id: number;
  /** In pixels, or in any unit in which symbols are as large as those of the constants below. */
  x: number;
  y: number;
  /** It stays where it is, and the others stand around it. */
  fixed?: boolean;
}

/** How far from its true position a symbol is drawn, pixels. */
export interface Shift {
  dx: number;
  dy: number;
}

/** Symbols that are nearer hide each other, pixels. */
const NEAR_PX = 24;
/** Spread symbols stay spread until they are this far apart: otherwise circling pilots would jump. */
const APART_PX = 34;
/** Room of one symbol on the ring. */
const ROOM_PX = 30;
const MIN_RING_PX = 17;
/** More stand in a spiral. */
const MAX_ON_RING = 12;
/** More members push each other apart: a spiral about the middle would take each too far from its position. */
const MAX_IN_SPIRAL = 60;
/** More symbols than this cannot be distinguished at this zoom in any arrangement. */
const MAX_SPREAD = 400;
/** Cells are numbered by column and row; this is more than the rows of a map at any zoom. */
const COLUMN = 2 ** 26;
/** A cell and half of those around it: each pair is looked at once. */
const NEIGHBOURS = [0, COLUMN, -COLUMN + 1, 1, COLUMN + 1];
const GOLDEN_ANGLE = Math.PI * (3 - Math.sqrt(5));

/** Groups of spots that hide each other. `together`: the number of the group that a spot was in before. */
export function piles(spots: readonly Spot[], together: ReadonlyMap<number, number>): Spot[][] {
  const cells = new Map<number, number[]>();
  const cellOf = (x: number, y: number) => Math.floor(x / APART_PX) * COLUMN + Math.floor(y / APART_PX);
  spots.forEach(({ x, y }, i) => append(cells, cellOf(x, y), i));
  const parent = spots.map((_, i) => i);
  const root = (i: number): number => {
    let at = i;
    while (parent[at] !== at) at = parent[at] = parent[parent[at]!]!;
    return at;
  };
  spots.forEach((spot, i) => {
    const cell = cellOf(spot.x, spot.y);
    for (const step of NEIGHBOURS) {
      const near = cells.get(cell + step);
      // So many at one position cannot be distinguished: comparing each pair would only take time.
      if (!near || near.length > MAX_SPREAD) continue;
      for (const j of near) {
        if (step === 0 && j <= i) continue;
        const other = spots[j]!;
        const before = together.get(spot.id);
        const limit = before !== undefined && before === together.get(other.id) ? APART_PX : NEAR_PX;
        if (Math.hypot(spot.x - other.x, spot.y - other.y) < limit) parent[root(i)] = root(j);
      }
    }
  });
  const groups = new Map<number, Spot[]>();
  spots.forEach((spot, i) => append(groups, root(i), spot));
  return [...groups.values()].filter(({ length }) => length > 1);
}

function append<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

/**
 * The positions of a pile's members: on a ring about their middle, many of them in a spiral, each always on the same side; a crowd as near
 * to their positions as they have room. `before`: where a crowd stood at the last drawing.
 */
export function spreadPile(pile: readonly Spot[], before: ReadonlyMap<number, Shift> = new Map()): Map<number, Shift> {
  if (pile.length > MAX_SPREAD) return new Map();
  if (pile.length > MAX_IN_SPIRAL) return pushApart(pile, before);
  const centre = pile.find(({ fixed }) => fixed);
  const x = centre?.x ?? pile.reduce((sum, spot) => sum + spot.x, 0) / pile.length;
  const y = centre?.y ?? pile.reduce((sum, spot) => sum + spot.y, 0) / pile.length;
  const others = pile.filter(({ fixed }) => !fixed);
  const ring = Math.max(centre ? ROOM_PX : MIN_RING_PX, (others.length * ROOM_PX) / (2 * Math.PI));
  return new Map(others.sort((a, b) => a.id - b.id).map((spot, i) => {
    const onRing = others.length <= MAX_ON_RING;
    const angle = onRing ? (i / others.length) * 2 * Math.PI - Math.PI / 2 : i * GOLDEN_ANGLE;
    const radius = onRing ? ring : (ROOM_PX / 1.8) * Math.sqrt(i + (centre ? 2.5 : 0.5));
    return [spot.id, { dx: x + Math.cos(angle) * radius - spot.x, dy: y + Math.sin(angle) * radius - spot.y }];
  }));
}

/** Steps of a crowd in one drawing: it comes to rest over some drawings. */
const PUSHES = 4;
/** Share of the way back to its position that a member takes before these steps. */
const PULL = 0.01;

/** Members that are too near push each other apart, half of what is missing each, and are pulled back to their positions. */
function pushApart(pile: readonly Spot[], before: ReadonlyMap<number, Shift>): Map<number, Shift> {
  const at = pile.map((spot) => {
    // At first, so that two at one position have a direction to part in.
    const { dx, dy } = before.get(spot.id) ?? { dx: Math.cos(spot.id * GOLDEN_ANGLE), dy: Math.sin(spot.id * GOLDEN_ANGLE) };
    const share = spot.fixed ? 0 : 1 - PULL;
    return { spot, x: spot.x + dx * share, y: spot.y + dy * share };
  });
  for (let step = 0; step < PUSHES; step++) {
    const cells = new Map<number, number[]>();
    const cellOf = (x: number, y: number) => Math.floor(x / ROOM_PX) * COLUMN + Math.floor(y / ROOM_PX);
    at.forEach(({ x, y }, i) => append(cells, cellOf(x, y), i));
    for (const [i, one] of at.entries()) {
      const cell = cellOf(one.x, one.y);
      for (const neighbour of NEIGHBOURS) {
        for (const j of cells.get(cell + neighbour) ?? []) {
          if (neighbour === 0 && j <= i) continue;
          const other = at[j]!;
          const [x, y] = [other.x - one.x, other.y - one.y];
          const distance = Math.hypot(x, y);
          if (distance >= ROOM_PX || distance === 0) continue;
          const push = (ROOM_PX - distance) / distance / (one.spot.fixed || other.spot.fixed ? 1 : 2);
          if (!one.spot.fixed) [one.x, one.y] = [one.x - x * push, one.y - y * push];
          if (!other.spot.fixed) [other.x, other.y] = [other.x + x * push, other.y + y * push];
        }
      }
    }
  }
  return new Map(at.filter(({ spot }) => !spot.fixed).map(({ spot, x, y }) => [spot.id, { dx: x - spot.x, dy: y - spot.y }]));
}

/** Share of the way to its new side that a symbol moves at once. */
const EASE = 0.4;
const STILL_PX = 0.5;

/** Spreads the drawn symbols, from one drawing to the next, without jumps. */
export class Spreading {
  #groups = new Map<number, number>();
  #shifts = new Map<number, Shift>();

  /** The shifts of the symbols that are not drawn at their true position. */
  next(spots: readonly Spot[]): ReadonlyMap<number, Shift> {
    const groups = new Map<number, number>();
    const wanted = new Map<number, Shift>();
    piles(spots, this.#groups).forEach((pile, number) => {
      for (const { id } of pile) groups.set(id, number);
      for (const [id, shift] of spreadPile(pile, this.#shifts)) wanted.set(id, shift);
    });
    const shifts = new Map<number, Shift>();
    for (const { id } of spots) {
      const [from, to] = [this.#shifts.get(id) ?? { dx: 0, dy: 0 }, wanted.get(id) ?? { dx: 0, dy: 0 }];
      const shift = { dx: from.dx + (to.dx - from.dx) * EASE, dy: from.dy + (to.dy - from.dy) * EASE };
      if (wanted.has(id) || Math.hypot(shift.dx, shift.dy) > STILL_PX) shifts.set(id, shift);
    }
    this.#groups = groups;
    this.#shifts = shifts;
    return shifts;
  }

  /** Without a way in between: at another zoom every side is another one. */
  reset(): void {
    this.#groups.clear();
    this.#shifts.clear();
  }
}
