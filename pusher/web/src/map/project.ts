// Converts positions to pixels of the flat world at a zoom, and back.

const TILE_PX = 512;

export function worldPixels(lon: number, lat: number, zoom: number): { x: number; y: number } {
  const size = TILE_PX * 2 ** zoom;
  const sine = Math.sin((lat * Math.PI) / 180);
  return { x: ((lon + 180) / 360) * size, y: (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * size };
}

/** The position that is this many pixels to the right and below. */
export function shifted(lon: number, lat: number, dx: number, dy: number, zoom: number): [lon: number, lat: number] {
  const size = TILE_PX * 2 ** zoom;
  const { x, y } = worldPixels(lon, lat, zoom);
  const mercator = Math.PI * (1 - (2 * (y + dy)) / size);
  return [((x + dx) / size) * 360 - 180, (Math.atan(Math.sinh(mercator)) * 180) / Math.PI];
}
