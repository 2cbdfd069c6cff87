import { backoffMs } from './backoff.js';

const MINUTE_MS = 60_000;
const GOING_AWAY = 1001;
const SILENT = 4000;
const SLOW = 4001;
const TOO_MANY = 4003;
const EXPIRED = 4005;
/** The server could not read our messages: reconnecting at once would only repeat that. */
const MISUNDERSTOOD: readonly number[] = [1002, 1003, 1007, 1009, 4002];

const GOING_AWAY_SPREAD_MS = 5000;
const SOON_MS = 200;

/** How long to wait before reconnecting after a close with this code. `attempt`: consecutive failed attempts. */
export function stayAwayMs(code: number, attempt: number, random: () => number): number {
  if (attempt > 0) return Math.max(backoffMs(attempt, random), MISUNDERSTOOD.includes(code) ? MINUTE_MS : 0);
  if (code === GOING_AWAY) return random() * GOING_AWAY_SPREAD_MS;
  // With new credentials, or without: those of the next attempt are asked for then.
  if (code === SILENT || code === EXPIRED) return random() * SOON_MS;
  if (code === TOO_MANY || MISUNDERSTOOD.includes(code)) return MINUTE_MS;
  return backoffMs(attempt, random);
}

/** Whether the connection was too slow for the subscription. */
export function wasTooSlow(code: number): boolean {
  return code === SLOW;
}
