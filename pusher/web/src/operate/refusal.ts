import { t } from './texts';

/**
 * Why the server has not done what was asked. `unreached`: no answer. `signedOut`: the credentials are not accepted. `forbidden`: they do
 * not allow it. `limited`: too many requests. `unavailable`: not now. `invalid`: anything else.
 */
export type RefusalKind = 'unreached' | 'signedOut' | 'forbidden' | 'limited' | 'unavailable' | 'invalid';

export interface Refusal {
  kind: RefusalKind;
  /** The server's own words. */
  detail: string;
  /** When to come back, seconds. */
  retryAfterS?: number;
}

const KINDS: Record<number, RefusalKind> = { 401: 'signedOut', 403: 'forbidden', 429: 'limited', 503: 'unavailable' };

/** Of an answer that is not a success. `body`: a problem document, or anything else. */
export function refusalOf(status: number, retryAfter: string | null, body: unknown): Refusal {
  const { detail, title } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const seconds = Number(retryAfter ?? '');
  return {
    kind: KINDS[status] ?? 'invalid',
    detail: [detail, title].find((text): text is string => typeof text === 'string' && text !== '') ?? `HTTP ${status}`,
    ...(retryAfter !== null && Number.isFinite(seconds) && seconds > 0 && { retryAfterS: seconds }),
  };
}

/** What it means and what to do, then the server's own words. */
export function refusalText({ kind, detail, retryAfterS }: Refusal): string {
  const what = retryAfterS !== undefined && (kind === 'limited' || kind === 'unavailable')
    ? t(`refusal.${kind}.after`, { seconds: retryAfterS }) : t(`refusal.${kind}`);
  return detail === '' ? what : `${what} (${detail})`;
}
