// Elevations out of the tiles of an elevation model. Web Mercator, tiles numbered from the north-west.

export type Encoding = 'terrarium' | 'mapbox';

/** A square of elevations in metres, row by row from the north-west. */
export interface DemTile {
  side: number;
  metres: Float32Array;
}

/** A position as a tile of a zoom and the share of the tile, 0 to 1, from its north-western corner. */
export interface TilePosition {
  x: number;
  y: number;
  fx: number;
  fy: number;
}

const MAX_LATITUDE = 85.051129;

/** Reads the elevations out of pixels, four bytes each. */
export function decodeDem(pixels: Uint8ClampedArray, side: number, encoding: Encoding): DemTile {
  const metres = new Float32Array(side * side);
  for (let i = 0; i < metres.length; i++) {
    const [r, g, b] = [pixels[4 * i]!, pixels[4 * i + 1]!, pixels[4 * i + 2]!];
    metres[i] = encoding === 'terrarium' ? r * 256 + g + b / 256 - 32_768 : (r * 65_536 + g * 256 + b) / 10 - 10_000;
  }
  return { side, metres };
}

/** The tile of a position. Longitudes may go beyond 180. */
export function tilePosition(lat: number, lon: number, zoom: number): TilePosition {
  const count = 2 ** zoom;
  const clamped = Math.min(MAX_LATITUDE, Math.max(-MAX_LATITUDE, lat));
  const sine = Math.sin((clamped * Math.PI) / 180);
  const px = ((((lon + 180) / 360) % 1) + 1) % 1 * count;
  const py = Math.min(count - 1e-9, (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * count);
  const [x, y] = [Math.floor(px), Math.max(0, Math.floor(py))];
  return { x, y, fx: px - x, fy: py - y };
}

/** The elevation at a share of a tile, between its pixels; the rim takes the outermost pixels. */
export function sampleDem({ side, metres }: DemTile, fx: number, fy: number): number {
  const limit = (value: number) => Math.min(side - 1, Math.max(0, value));
  const [px, py] = [limit(fx * side - 0.5), limit(fy * side - 0.5)];
  const [x0, y0] = [Math.floor(px), Math.floor(py)];
  const [x1, y1] = [limit(x0 + 1), limit(y0 + 1)];
  const [tx, ty] = [px - x0, py - y0];
  const at = (x: number, y: number) => metres[y * side + x]!;
  const north = at(x0, y0) * (1 - tx) + at(x1, y0) * tx;
  const south = at(x0, y1) * (1 - tx) + at(x1, y1) * tx;
  return north * (1 - ty) + south * ty;
}

/** The degrees of a position in tile units of a zoom. */
export function degreesOf(x: number, y: number, zoom: number): [lon: number, lat: number] {
  const count = 2 ** zoom;
  return [(x / count) * 360 - 180, (Math.atan(Math.sinh(Math.PI * (1 - (2 * y) / count))) * 180) / Math.PI];
}
