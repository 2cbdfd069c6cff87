/** So many versions of a device are kept: details name one that is a little old. */
const KEPT = 4;

/** When the newest versions of each device came as updates: the end of their way. */
export class Arrivals {
  readonly #arrivals = new Map<number, { version: number; at: number }[]>();

  /** `at`: the client's clock, ms. */
  note(device: number, version: number, at: number): void {
    const before = this.#arrivals.get(device) ?? [];
    this.#arrivals.set(device, [...before.slice(1 - KEPT), { version, at }]);
  }

  /** Undefined: this version did not come, or long ago. */
  of(device: number, version: number): number | undefined {
    return this.#arrivals.get(device)?.find((arrival) => arrival.version === version)?.at;
  }

  /** Forgets devices that are not shown any more. */
  prune(isShown: (device: number) => boolean): void {
    for (const device of this.#arrivals.keys()) if (!isShown(device)) this.#arrivals.delete(device);
  }
}
