import { formatAddress, parseAddress } from 'updraft-client';

const KEY = 'updraft-favourites';
const MAX = 500;

/** The devices that the user marked, kept in this browser alone. */
export class Favourites {
  readonly #devices: Set<number>;

  constructor() {
    this.#devices = new Set(parseFavourites(read()));
  }

  get devices(): ReadonlySet<number> {
    return this.#devices;
  }

  toggle(device: number): void {
    if (!this.#devices.delete(device) && this.#devices.size < MAX) this.#devices.add(device);
    try {
      localStorage.setItem(KEY, JSON.stringify([...this.#devices].map(formatAddress)));
    } catch {
      // A browser may refuse to store anything: the mark holds until the page is closed.
    }
  }
}

/** Takes over what can be read of a stored text. */
export function parseFavourites(text: string | null): number[] {
  try {
    const stored: unknown = JSON.parse(text ?? '[]');
    if (!Array.isArray(stored)) return [];
    return stored.slice(0, MAX).map((one) => parseAddress(String(one))).filter((device) => device !== undefined);
  } catch {
    return [];
  }
}

function read(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
