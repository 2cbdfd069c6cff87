// Reports of the REST API about receivers that live updates do not contain: coverage, clock state, and how usable their frames are.

/** How far a receiver heard in one direction. */
export interface Reach {
  bearing_deg: number;
  distance_m: number;
}

export interface ReceiverReport {
  coverage: readonly Reach[];
  /** The problem of its clock; absent: none. */
  clockTrouble?: string;
  /** Its clock minus the true time, ms: positive is ahead. */
  clockOffsetMs?: number;
  /** Ms since the Unix epoch. */
  firstHeardAt?: number;
  /** Since then. */
  unusable?: { frames: number; pct: number };
  /** Most of its frames are unusable: since when, and the reason as a code. */
  setAside?: { since: number; reason: string };
}

interface Answer {
  receivers?: {
    receiver_id: string; coverage?: Reach[]; clock_trouble?: string; clock_offset_us?: string; first_seen_at_us?: string; frames?: string; unusable_frames?: string;
    set_aside_since_us?: string; set_aside_reason?: string;
  }[];
}

/** The reports are loaded again after this time, ms. */
const REFRESH_MS = 60_000;

/** The reports of the receivers in view, while the layer of receivers is shown. */
export class ReceiverReports {
  #reports: ReadonlyMap<string, ReceiverReport> = new Map();
  #requestedAt = 0;
  #requested = '';

  get(id: string): ReceiverReport | undefined {
    return this.#reports.get(id);
  }

  /** Loads the reports when that is due. `bounds`: south, west, north, east; undefined: receivers are not shown. */
  want(bounds: readonly [number, number, number, number] | undefined, now: number): void {
    if (!bounds) return;
    const query = bounds.map((degrees) => degrees.toFixed(1)).join(',');
    if (query === this.#requested && now - this.#requestedAt < REFRESH_MS) return;
    this.#requested = query;
    this.#requestedAt = now;
    void fetchReports(query).then((reports) => {
      if (reports && query === this.#requested) this.#reports = reports;
    });
  }
}

export function reportsOf({ receivers = [] }: Answer): Map<string, ReceiverReport> {
  return new Map(receivers.map(({ receiver_id, coverage = [], clock_trouble, clock_offset_us, first_seen_at_us, frames, unusable_frames, set_aside_since_us, set_aside_reason = '' }) => [receiver_id, {
    coverage,
    ...(first_seen_at_us !== undefined && { firstHeardAt: Number(first_seen_at_us) / 1000 }),
    ...unusableOf(Number(frames ?? 0), Number(unusable_frames ?? 0)),
    ...(set_aside_since_us !== undefined && { setAside: { since: Number(set_aside_since_us) / 1000, reason: set_aside_reason } }),
    ...(clock_trouble !== undefined && { clockTrouble: clock_trouble }),
    ...(clock_offset_us !== undefined && { clockOffsetMs: Number(clock_offset_us) / 1000 }),
  }]));
}

function unusableOf(usable: number, frames: number): Pick<ReceiverReport, 'unusable'> {
  return frames === 0 ? {} : { unusable: { frames, pct: (100 * frames) / (usable + frames) } };
}

async function fetchReports(bounds: string): Promise<Map<string, ReceiverReport> | undefined> {
  try {
    const response = await fetch(`./api/v1/receivers?bounds=${bounds}`, { headers: { accept: 'application/json' } });
    return response.ok ? reportsOf(await response.json() as Answer) : undefined;
  } catch {
    return undefined;
  }
}
