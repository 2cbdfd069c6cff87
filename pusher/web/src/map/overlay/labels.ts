// Chooses where labels stand: none covers another one, nor a symbol.

/** A part of the map, pixels. */
export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Where a label stands, seen from its symbol; in the order in which they are tried. */
export const SIDES = ['right', 'left', 'above', 'below'] as const;
export type Side = (typeof SIDES)[number];

/** A label that looks for a place. */
export interface Wish {
  id: number;
  /** The middle of its symbol. */
  x: number;
  y: number;
  width: number;
  height: number;
  /** Between the middle of the symbol and the label. */
  gap: number;
  /** Without a free place it covers symbols of others, but no label. */
  isUrgent: boolean;
}

/** What a label must not cover; `id`: whose symbol that is. */
export interface Obstacle extends Box {
  id?: number;
}

/** Between two labels, pixels. */
const SPACE_PX = 3;
/** The side of boxes that are looked at together, pixels. */
const CELL_PX = 64;
/** Cells are numbered by column and row; more than the rows of any screen, with those above it. */
const COLUMN = 2 ** 16;

export function labelBox({ x, y, width, height, gap }: Wish, side: Side): Box {
  const left = side === 'right' ? x + gap : side === 'left' ? x - gap - width : x - width / 2;
  const top = side === 'below' ? y + gap : side === 'above' ? y - gap - height : y - height / 2;
  return { left, top, right: left + width, bottom: top + height };
}

/** The sides of the labels that have a place. Earlier wishes come first; a label stays at the side where it was `before`. */
export function placeLabels(wishes: readonly Wish[], obstacles: readonly Obstacle[], before: ReadonlyMap<number, Side>): Map<number, Side> {
  const [symbols, labels] = [new Taken(), new Taken()];
  for (const obstacle of obstacles) symbols.add(obstacle, obstacle.id);
  const places = new Map<number, Side>();
  for (const wish of wishes) {
    const first = before.get(wish.id);
    const sides = first === undefined ? SIDES : [first, ...SIDES.filter((side) => side !== first)];
    const hasNoLabel = (side: Side) => !labels.covers(widened(labelBox(wish, side)), wish.id);
    const side = sides.find((one) => hasNoLabel(one) && !symbols.covers(labelBox(wish, one), wish.id)) ?? (wish.isUrgent ? sides.find(hasNoLabel) : undefined);
    if (side === undefined) continue;
    places.set(wish.id, side);
    labels.add(labelBox(wish, side), wish.id);
  }
  return places;
}

function widened({ left, top, right, bottom }: Box): Box {
  return { left: left - SPACE_PX, top: top - SPACE_PX, right: right + SPACE_PX, bottom: bottom + SPACE_PX };
}

/** Boxes by the cells of a grid that they touch. */
class Taken {
  readonly #cells = new Map<number, Obstacle[]>();

  add(box: Box, id?: number): void {
    forEachCell(box, (cell) => {
      const boxes = this.#cells.get(cell);
      const obstacle = { ...box, id };
      if (boxes) boxes.push(obstacle);
      else this.#cells.set(cell, [obstacle]);
      return false;
    });
  }

  /** Whether a box covers one of another `id`. */
  covers(box: Box, id: number): boolean {
    return forEachCell(box, (cell) => this.#cells.get(cell)?.some((other) => other.id !== id
      && box.left < other.right && other.left < box.right && box.top < other.bottom && other.top < box.bottom) === true);
  }
}

/** Until one of them is found. */
function forEachCell(box: Box, isFound: (cell: number) => boolean): boolean {
  for (let column = Math.floor(box.left / CELL_PX); column <= Math.floor(box.right / CELL_PX); column++) {
    for (let row = Math.floor(box.top / CELL_PX); row <= Math.floor(box.bottom / CELL_PX); row++) {
      if (isFound(column * COLUMN + row)) return true;
    }
  }
  return false;
}
