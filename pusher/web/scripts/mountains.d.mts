/** Metres above sea level. */
export function mountainsM(lat: number, lon: number): number;
