// Reports of the REST API about receivers that live updates do not contain: coverage and clock state.

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
}

interface Answer {
  receivers?: { receiver_id: string; coverage?: Reach[]; clock_trouble?: string; clock_offset_us?: string }[];
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
  return new Map(receivers.map(({ receiver_id, coverage = [], clock_trouble, clock_offset_us }) => [receiver_id, {
    coverage,
    ...(clock_trouble !== undefined && { clockTrouble: clock_trouble }),
    ...(clock_offset_us !== undefined && { clockOffsetMs: Number(clock_offset_us) / 1000 }),
  }]));
}

async function fetchReports(bounds: string): Promise<Map<string, ReceiverReport> | undefined> {
  try {
    const response = await fetch(`./api/v1/receivers?bounds=${bounds}`, { headers: { accept: 'application/json' } });
    return response.ok ? reportsOf(await response.json() as Answer) : undefined;
  } catch {
    return undefined;
  }
}
