import { formatAge, type Formats } from '../settings/formats';
import { t } from './texts';

/** Microseconds of the API, which are text, as milliseconds. */
export function msOf(us: string | undefined): number | undefined {
  const ms = Number(us ?? '') / 1000;
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}

/** `2026-07-14 18:00:05, 3 min ago`. */
export function timeAndAge(ms: number | undefined, formats: Formats, now: number): string {
  return ms === undefined ? '' : t('time.ago', { time: formats.sortableTime(ms), age: formatAge(Math.max(0, now - ms)) });
}
