export const TILE_TYPE: { mvt: 1; png: 2; jpeg: 3; webp: 4 };
export function tileId(z: number, x: number, y: number): number;
export function writePmtiles(
  tiles: { z: number; x: number; y: number; data: Uint8Array }[],
  options: { tileType: number; metadata: object; bounds?: number[]; center?: number[] },
): Buffer;
