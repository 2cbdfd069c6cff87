// What the details of a device have beside the facts. Loaded with the first device that is selected.
import type { Way } from '../live/way';
import type { Scene } from '../map/scene';
import type { Fix } from '../motion/extrapolate';
import type { PastFlight } from '../motion/flights';
import { FlightList } from './flight-list';
import { StationHistory } from './history';
import { Profile } from './profile';
import { WayBar } from './way-bar';

export interface PartSubject {
  /** Undefined: no device is selected. */
  device: number | undefined;
  isStation: boolean;
  /** Empty: it has none. */
  track: readonly Fix[];
  /** Of its newest state. */
  way: Way | undefined;
}

/** Profile, history of a station, latency and flights. */
export class CardParts {
  readonly #profile = new Profile();
  readonly #history = new StationHistory();
  readonly #way = new WayBar();
  readonly #flights: FlightList;

  constructor(showFlight: (flight: PastFlight | undefined) => void) {
    this.#flights = new FlightList(showFlight);
  }

  /** Stand above the facts. */
  get above(): HTMLElement[] {
    return [this.#profile.element, this.#history.element];
  }

  /** Stand below the facts. */
  get below(): HTMLElement[] {
    return [this.#way.element, this.#flights.element];
  }

  show(scene: Scene, { device, isStation, track, way }: PartSubject): void {
    this.#profile.show(track, scene);
    this.#history.show(isStation && scene.isLive ? device : undefined, scene);
    this.#way.show(device, way, scene);
    this.#flights.show(isStation || device === undefined ? [] : scene.flights.flights, scene.past.flight, scene.formats);
  }
}
