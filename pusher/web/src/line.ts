import { connectionPolicy, type Conditions, type Connection } from 'updraft-client';
import type { DataUse } from './settings/preferences';

/** Of `navigator.getBattery()`, which not every browser has. */
interface Battery extends EventTarget {
  level: number;
  charging: boolean;
}

type Platform = Navigator & {
  connection?: EventTarget & { saveData?: boolean };
  getBattery?: () => Promise<Battery>;
};

/** A hidden page looks again after this time, ms. */
const LOOK_MS = 5000;

/** Chooses the rate and the pauses of the connection, by the browser's reports of network, battery and visibility and by the user's choice. */
export class Line {
  readonly #connection: Connection;
  readonly #platform = navigator as Platform;
  #battery: Battery | undefined;
  #choice: DataUse;
  #watching = false;
  #hiddenSince: number | undefined;

  constructor(connection: Connection, choice: DataUse) {
    this.#connection = connection;
    this.#choice = choice;
    this.#platform.connection?.addEventListener('change', () => this.#apply());
    document.addEventListener('visibilitychange', () => this.#apply());
    setInterval(() => { if (this.#hiddenSince !== undefined) this.#apply(); }, LOOK_MS);
    this.#platform.getBattery?.().then((battery) => {
      this.#battery = battery;
      for (const event of ['levelchange', 'chargingchange']) battery.addEventListener(event, () => this.#apply());
      this.#apply();
    }, () => {
      // Without the battery's level the network decides.
    });
    this.#apply();
  }

  set choice(choice: DataUse) {
    this.#choice = choice;
    this.#apply();
  }

  /** Whether notifications need the connection while the page is hidden. */
  set watching(watching: boolean) {
    if (watching === this.#watching) return;
    this.#watching = watching;
    this.#apply();
  }

  #apply(): void {
    const now = Date.now();
    this.#hiddenSince = document.visibilityState === 'visible' ? undefined : this.#hiddenSince ?? now;
    const { paused, rate } = connectionPolicy(this.#conditions(), now);
    this.#connection.setRate(rate);
    if (paused) this.#connection.pause();
    else this.#connection.unpause();
  }

  #conditions(): Conditions {
    const automatic = this.#choice === 'auto';
    return {
      saveData: this.#choice === 'saving' || (automatic && this.#platform.connection?.saveData === true),
      watching: this.#watching,
      ...(automatic && this.#battery && { battery: { level: this.#battery.level, charging: this.#battery.charging } }),
      ...(this.#hiddenSince !== undefined && { hiddenSince: this.#hiddenSince }),
    };
  }
}
