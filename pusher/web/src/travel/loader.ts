import { decodeHistory, padded, type View } from 'updraft-client';
import { boxOf, levelOf, neededSpan, nextRequest, RESOLUTIONS, serves, SETTLED_AFTER_MS, type Box, type Request } from './plan';
import { Spans, type Span } from './spans';
import { Timeline } from './timeline';

/** Positions that are kept at most: about 40 MB. */
const MAX_POSITIONS = 250_000;
/** From here on only what is needed is kept. */
const MANY_POSITIONS = 100_000;
/** After a failure that does not say when, the next attempt comes after this time, ms. */
const RETRY_MS = 3000;
/** A server without a history is asked again after this time, ms. */
const NO_HISTORY_RETRY_MS = 60_000;
/** Jumps within this time of each other are the user's dragging of the slider or the map: nothing is requested meanwhile, ms. */
const REST_MS = 250;

/** Why positions are missing: the server keeps no history, it cannot be loaded now, or there are too many. */
export type Trouble = 'noHistory' | 'failed' | 'many';

/** What is shown. */
export interface Shown {
  view: View;
  at: number;
  speed: number;
  /** The user's clock. */
  now: number;
}

/** Loads the positions around the time that is shown, page by page, and forgets those that are far from it. */
export class PastLoader {
  readonly timeline = new Timeline();
  /** What is known at each resolution or a finer one. */
  readonly #known = RESOLUTIONS.map(() => new Spans());
  #box: Box | undefined;
  /** Not finer than this, since there are too many aircraft. */
  #leastLevel = 0;
  #request: { request: Request; abort: AbortController } | undefined;
  #notBefore = 0;
  #trouble: Trouble | undefined;
  #at = NaN;
  #jumpedAt = -Infinity;
  readonly #loaded: () => void;

  /** `loaded`: a page of positions has come. */
  constructor(loaded: () => void = () => {}) {
    this.#loaded = loaded;
  }

  get trouble(): Trouble | undefined {
    return this.#trouble;
  }

  /** Up to where positions are loaded without a gap; the time itself where they are not. */
  loadedUntil(at: number): number {
    return this.#known.at(-1)!.endOf(at);
  }

  /** Requests what is missing, one request at a time. */
  want({ view, at, speed, now }: Shown): void {
    const isElsewhere = !this.#box || !serves(this.#box, view);
    // A step of the clock is no jump of the user.
    if (isElsewhere || !(Math.abs(at - this.#at) <= 60_000)) this.#jumped(now);
    this.#at = at;
    if (isElsewhere) this.#begin(boxOf(padded(view)));
    const needed = neededSpan(at, speed);
    if (this.#request && !overlaps(this.#request.request, needed)) this.stop();
    if (this.#request || now < this.#notBefore || this.#trouble === 'many') return;
    const level = levelOf(speed, this.#leastLevel);
    const request = nextRequest(this.#known[level]!, at, speed, level, now);
    if (request) void this.#load(request, needed);
  }

  stop(): void {
    this.#request?.abort.abort();
    this.#request = undefined;
  }

  /** The positions of other bounds stay until they are far from the time that is shown: they are true. */
  #begin(box: Box): void {
    this.stop();
    for (const spans of this.#known) spans.clear();
    this.#box = box;
    this.#leastLevel = 0;
    if (this.#trouble === 'many') this.#trouble = undefined;
  }

  /** One jump alone is served at once. */
  #jumped(now: number): void {
    if (now - this.#jumpedAt < REST_MS) this.#notBefore = Math.max(this.#notBefore, now + REST_MS);
    this.#jumpedAt = now;
  }

  async #load(request: Request, needed: Span): Promise<void> {
    const abort = new AbortController();
    this.#request = { request, abort };
    try {
      let cursor: string | undefined;
      do {
        const response = await fetch(historyUrl(this.#box!, request, cursor), { headers: { accept: 'application/x-protobuf' }, signal: abort.signal });
        if (!response.ok) {
          if (!abort.signal.aborted) this.#fail(...await refusalOf(response));
          return;
        }
        const page = decodeHistory(await response.arrayBuffer());
        if (abort.signal.aborted) return;
        this.timeline.add(page);
        cursor = page.next || undefined;
        const last = page.positions.at(-1);
        const until = cursor === undefined ? request.to : last && Math.floor(last.event_at_us / 1000);
        if (until !== undefined) this.#add(request, until);
        this.#loaded();
        if (this.timeline.size > MANY_POSITIONS) this.#keep(needed);
      } while (cursor !== undefined && this.#trouble !== 'many');
      if (this.#trouble !== 'many') this.#trouble = undefined;
    } catch {
      if (!abort.signal.aborted) this.#fail('failed', RETRY_MS);
    } finally {
      if (this.#request?.abort === abort) this.#request = undefined;
    }
  }

  #add({ from, level }: Request, to: number): void {
    for (const spans of this.#known.slice(level)) spans.add({ from, to: Math.min(to, Date.now() - SETTLED_AFTER_MS) });
  }

  /** Stays within the bounds: first by forgetting what is not needed, then by loading less densely. */
  #keep(needed: Span): void {
    this.timeline.clip(needed);
    for (const spans of this.#known) spans.clip(needed);
    if (this.timeline.size <= MAX_POSITIONS) return;
    if (this.#leastLevel === RESOLUTIONS.length - 1) {
      this.#trouble = 'many';
      return;
    }
    this.#leastLevel++;
    this.timeline.clear();
    for (const spans of this.#known) spans.clear();
    this.stop();
  }

  #fail(trouble: Trouble, afterMs: number): void {
    this.#trouble = trouble;
    this.#notBefore = Date.now() + afterMs;
  }
}

/** What is recorded; undefined: aircraft. */
export type HistoryKind = 'ground' | 'weather';

/** One page of a request. */
export function historyUrl(box: Box, { from, to, stepS }: Omit<Request, 'level'>, cursor: string | undefined, kind?: HistoryKind): string {
  const time = (ms: number) => new Date(ms).toISOString();
  const bounds = box.map((degrees) => degrees.toFixed(4)).join(',');
  const query = `${kind ? `kind=${kind}&` : ''}bounds=${bounds}&from=${time(from)}&to=${time(to)}&step=${stepS}`;
  return `./api/v1/history?${query}${cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
}

/** What a refusal means, and when to ask again. */
async function refusalOf(response: Response): Promise<[Trouble, number]> {
  const problem = await response.json().catch(() => ({})) as { code?: string };
  if (problem.code === 'no_history') return ['noHistory', NO_HISTORY_RETRY_MS];
  const seconds = Number(response.headers.get('retry-after'));
  return ['failed', seconds > 0 ? seconds * 1000 : RETRY_MS];
}

function overlaps(a: Span, b: Span): boolean {
  return a.from < b.to && b.from < a.to;
}
