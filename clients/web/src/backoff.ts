const BASE_MS = 500;
const CAP_MS = 20_000;

/**
 * How long to wait before connection attempt number `attempt` (from 0), ms: full jitter, a random time up to a ceiling that
 * doubles with each attempt, so that clients that lost one server reconnect spread over all of that time.
 */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  return random() * Math.min(CAP_MS, BASE_MS * 2 ** Math.min(attempt, 16));
}
