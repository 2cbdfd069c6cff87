import { formatAddress } from 'updraft-client';

/** How far back flights are listed, days. */
export const FLIGHT_DAYS = 7;
/** Flights are loaded again after this time, ms. */
const REFRESH_MS = 60_000;
const MAX_FLIGHTS = 100;
const DAY_MS = 86_400_000;

/** One recorded flight. */
export interface PastFlight {
  /** Take-off and landing, or the last position so far; ms since the Unix epoch. */
  from: number;
  to: number;
  distanceKm: number;
  highestM?: number;
}

interface Answer {
  flights?: { take_off_at_us?: string; landed_at_us?: string; distance_m?: number; max_altitude_m?: number }[];
}

/** The flights of the device that is selected. */
export class Flights {
  #device: number | undefined;
  #askedAt = 0;
  #flights: readonly PastFlight[] = [];

  /** The newest first. */
  get flights(): readonly PastFlight[] {
    return this.#flights;
  }

  /** Loads the flights of a device when that is due; undefined: no device. */
  want(device: number | undefined, now: number): void {
    if (device !== this.#device) {
      this.#device = device;
      this.#flights = [];
      this.#askedAt = 0;
    }
    if (device === undefined || now - this.#askedAt < REFRESH_MS) return;
    this.#askedAt = now;
    void fetchFlights(device, now).then((flights) => {
      if (flights && device === this.#device) this.#flights = flights;
    });
  }
}

async function fetchFlights(device: number, now: number): Promise<PastFlight[] | undefined> {
  try {
    const response = await fetch(`./api/v1/flights?address=${formatAddress(device)}&limit=${MAX_FLIGHTS}`, { headers: { accept: 'application/json' } });
    return response.ok ? flightsOf(await response.json() as Answer, now) : undefined;
  } catch {
    return undefined;
  }
}

/** Those of the last days that have both ends. */
export function flightsOf({ flights = [] }: Answer, now: number): PastFlight[] {
  return flights.flatMap(({ take_off_at_us, landed_at_us, distance_m = 0, max_altitude_m }) => {
    const [from, to] = [Number(take_off_at_us) / 1000, Number(landed_at_us) / 1000];
    if (!Number.isFinite(from) || !Number.isFinite(to) || now - from > FLIGHT_DAYS * DAY_MS) return [];
    return [{ from, to, distanceKm: distance_m / 1000, ...(max_altitude_m !== undefined && { highestM: max_altitude_m }) }];
  });
}
