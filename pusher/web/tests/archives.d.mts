export function hillM(lat: number, lon: number): number;
export function terrainArchive(): Buffer;
export function basemapArchive(): Buffer;
