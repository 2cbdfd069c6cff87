const BASE_MS = 500;
const CAP_MS = 20_000;

/**
 * How long to wait before connection attempt number `attempt` (from 0), ms: doubled each time up to a cap, and at random
 * in its upper half, so that clients that lost one server do not come back all at once.
 */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(CAP_MS, BASE_MS * 2 ** Math.min(attempt, 16));
  return ceiling / 2 + (random() * ceiling) / 2;
}
