const ALPHABET = '0123456789bcdefghjkmnpqrstuvwxyz';
const MAX_PRECISION = 6;

/** The geohash cell of a position, with `precision` characters. */
export function cellOf(lat: number, lon: number, precision: number): string {
  let south = -90, north = 90, west = -180, east = 180;
  let cell = '';
  let index = 0;
  for (let bit = 0; bit < precision * 5; bit++) {
    index <<= 1;
    if (bit % 2 === 0) {
      const middle = (west + east) / 2;
      if (lon >= middle) { index |= 1; west = middle; } else east = middle;
    } else {
      const middle = (south + north) / 2;
      if (lat >= middle) { index |= 1; south = middle; } else north = middle;
    }
    if (bit % 5 === 4) { cell += ALPHABET[index]; index = 0; }
  }
  return cell;
}

/** The cells of a subscription: a union of geohash cells of mixed precision. */
export class CellSet {
  readonly #cells: ReadonlySet<string>;
  readonly #precisions: readonly number[];

  constructor(cells: Iterable<string>) {
    this.#cells = new Set(cells);
    this.#precisions = [...new Set([...this.#cells].map((cell) => cell.length))].sort((a, b) => a - b);
  }

  get size(): number {
    return this.#cells.size;
  }

  /** Longitude 180 is the same meridian as -180: a position on it is in the cells of both sides. */
  contains(lat: number, lon: number): boolean {
    return this.#has(lat, lon) || (Math.abs(lon) === 180 && this.#has(lat, -lon));
  }

  #has(lat: number, lon: number): boolean {
    const cell = cellOf(lat, lon, this.#precisions.at(-1) ?? MAX_PRECISION);
    return this.#precisions.some((precision) => this.#cells.has(cell.slice(0, precision)));
  }
}
