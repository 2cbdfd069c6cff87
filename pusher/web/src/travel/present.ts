/** From here on it is the present: nothing newer is recorded for certain. Ms before now. */
export const LIVE_EDGE_MS = 60_000;

export function isPresent(at: number, now: number): boolean {
  return at > now - LIVE_EDGE_MS;
}
