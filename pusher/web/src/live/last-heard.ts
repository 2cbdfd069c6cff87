// Where and when devices were heard last that the air picture has no more.
import { formatAddress, type AirPicture, type Position } from 'updraft-client';

/** The server is asked again after this time, ms: a device that the page does not follow may be received somewhere. */
const REFRESH_MS = 60_000;
/** Requests at the same time. */
const MAX_REQUESTS = 3;
/** The history is asked about these hours. */
const HOURS = 24;
/** The server keeps the ends of a track, however few points are asked for. */
const MAX_POINTS = 2;

export interface LastHeard extends Position {
  /** Ms since the Unix epoch. */
  at: number;
  name?: string;
}

/** `hidden`: nothing of it may be shown, or it was never heard; undefined: not known, since the server keeps no history or cannot be reached. */
type Answer = LastHeard | 'hidden' | undefined;

/** The newer one of what the page has received and what the history has. */
export class LastHeardPositions {
  readonly #fetch: (device: number) => Promise<Answer>;
  readonly #known = new Map<number, LastHeard>();
  readonly #askedAt = new Map<number, number>();
  #requests = 0;

  constructor(fetch = fetchLast) {
    this.#fetch = fetch;
  }

  /** Undefined: nothing is known. */
  of(device: number): LastHeard | undefined {
    return this.#known.get(device);
  }

  /** Remembers those of these devices that the air picture has. `asks`: asks the server about the others. */
  update(devices: readonly number[], picture: AirPicture, now: number, asks: boolean): void {
    for (const device of devices) {
      const state = picture.aircraft.get(device) ?? picture.ground.get(device);
      if (!state) {
        if (asks) this.#ask(device, now);
        continue;
      }
      const { at, lat, lon, name } = state;
      this.#known.set(device, { at, lat, lon, ...(name !== undefined && { name }) });
      // Once it is not received, the server is asked at once: a pilot who withdraws consent leaves the air picture, too.
      this.#askedAt.delete(device);
    }
  }

  #ask(device: number, now: number): void {
    if (this.#requests >= MAX_REQUESTS || now - (this.#askedAt.get(device) ?? 0) < REFRESH_MS) return;
    this.#askedAt.set(device, now);
    this.#requests += 1;
    void this.#fetch(device).then((answer) => {
      this.#requests -= 1;
      this.#take(device, answer);
    });
  }

  #take(device: number, answer: Answer): void {
    if (answer === 'hidden') {
      this.#known.delete(device);
    } else if (answer && answer.at >= (this.#known.get(device)?.at ?? 0)) {
      this.#known.set(device, { ...this.#known.get(device), ...answer });
    }
  }
}

interface Track {
  name?: string;
  segments?: { points: { event_at_us: string; latitude_deg: number; longitude_deg: number }[] }[];
}

/** The end of a recorded track. */
export function lastOf({ name, segments = [] }: Track): LastHeard | undefined {
  const last = segments.at(-1)?.points.at(-1);
  return last && { at: Number(last.event_at_us) / 1000, lat: last.latitude_deg, lon: last.longitude_deg, ...(name !== undefined && { name }) };
}

async function fetchLast(device: number): Promise<Answer> {
  try {
    const response = await fetch(`./api/v1/track/${formatAddress(device)}?hours=${HOURS}&max_points=${MAX_POINTS}`, { headers: { accept: 'application/json' } });
    if (response.status === 404) return 'hidden';
    return response.ok ? lastOf(await response.json() as Track) : undefined;
  } catch {
    return undefined;
  }
}
