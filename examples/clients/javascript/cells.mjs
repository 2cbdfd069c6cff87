// Geohash cells: the cell of a position.

const ALPHABET = '0123456789bcdefghjkmnpqrstuvwxyz';

/** The geohash of a position, with `precision` characters. */
export function cellOf(latitude, longitude, precision) {
  const ranges = [[-180, 180], [-90, 90]];
  const position = [longitude, latitude];
  let cell = '';
  for (let at = 0; at < precision; at++) {
    let index = 0;
    for (let bit = 0; bit < 5; bit++) {
      // Bits of longitude and latitude take turns.
      const axis = (at * 5 + bit) % 2;
      const range = ranges[axis];
      const middle = (range[0] + range[1]) / 2;
      const upper = position[axis] >= middle;
      index = index * 2 + Number(upper);
      range[upper ? 0 : 1] = middle;
    }
    cell += ALPHABET[index];
  }
  return cell;
}

/** True where one of the cells (of any precision) contains the position. */
export function covers(cells, latitude, longitude) {
  const finest = cellOf(latitude, longitude, 6);
  return cells.some((cell) => finest.startsWith(cell));
}
