export function hillM(lat: number, lon: number): number;
export interface Ground { heightM?: (lat: number, lon: number) => number; zooms?: number[]; bounds?: [west: number, south: number, east: number, north: number] }
export function terrainArchive(ground?: Ground): Buffer;
export function basemapArchive(): Buffer;
