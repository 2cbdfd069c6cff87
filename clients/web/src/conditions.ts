import type { Rate } from './subscription.js';

/** What a client's line, battery and user say about how much data it should receive. */
export interface Conditions {
  /** The user asked the browser to save data. */
  saveData: boolean;
  /** Absent: not known. `level` from 0 to 1. */
  battery?: { level: number; charging: boolean };
  /** Since when the page is not visible, ms; absent: it is visible. */
  hiddenSince?: number;
  /** The user waits for notifications, which need the connection while the page is hidden. */
  watching: boolean;
}

/** What a connection does about it. */
export interface ConnectionPolicy {
  /** No connection until this changes. */
  paused: boolean;
  rate: Rate;
}

/** A hidden page is paused after this time, ms: switching between two tabs does not cost a snapshot each time. */
export const PAUSE_AFTER_MS = 30_000;
/** At or below this level a battery that is not charged is saved. */
const LOW_BATTERY = 0.2;

/** Chooses the rate class, and whether to be connected at all. */
export function connectionPolicy({ saveData, battery, hiddenSince, watching }: Conditions, now: number): ConnectionPolicy {
  const low = battery !== undefined && !battery.charging && battery.level <= LOW_BATTERY;
  const visible: Rate = saveData || low ? '5s' : 'live';
  if (hiddenSince === undefined || now - hiddenSince < PAUSE_AFTER_MS) return { paused: false, rate: visible };
  return { paused: !watching, rate: '30s' };
}
