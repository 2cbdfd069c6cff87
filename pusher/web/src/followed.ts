import type { AirPicture, ZoneEventUpdate } from 'updraft-client';
import { FollowedEvents, zoneEventsOf } from './followed-events';
import { Notifier } from './notifier';

/** Whom the user follows, whom of them the map keeps in the middle, and the notifications about them. */
export class Followed {
  readonly #devices: Set<number>;
  readonly #events = new FollowedEvents();
  readonly #notifier: Notifier;
  #centred: number | undefined;

  /** `select`: called with the device whose notification was clicked. */
  constructor(devices: Iterable<number>, select: (device: number) => void) {
    this.#devices = new Set(devices);
    this.#notifier = new Notifier(select);
  }

  get devices(): ReadonlySet<number> {
    return this.#devices;
  }

  /** The device that the map keeps in the middle. */
  get centred(): number | undefined {
    return this.#centred;
  }

  /** Follows these, and keeps none of them in the middle. */
  replace(devices: readonly number[]): void {
    this.#devices.clear();
    for (const device of devices) this.#devices.add(device);
    this.#centred = undefined;
  }

  /** Lets the map stay where it is. */
  release(): void {
    this.#centred = undefined;
  }

  /** Follows a device and keeps it in the middle, or stops that. `most`: how many can be followed; beyond it the first one is dropped and returned. */
  toggle(device: number, most: number): number | undefined {
    if (this.#devices.delete(device)) {
      if (this.#centred === device) this.#centred = undefined;
      return undefined;
    }
    const oldest = this.#devices.size >= most ? this.#devices.values().next().value : undefined;
    if (oldest !== undefined) this.#devices.delete(oldest);
    this.#devices.add(device);
    this.#centred = device;
    return oldest;
  }

  /** Looks for events of these devices. `notifies`: shows them. */
  watch(devices: readonly number[], picture: AirPicture, notifies: boolean): void {
    const events = this.#events.update(devices, picture);
    if (notifies) for (const event of events) void this.#notifier.show(event);
  }

  /** Notifies of zones that these devices entered and left. */
  showZoneEvents(devices: readonly number[], events: readonly ZoneEventUpdate[], picture: AirPicture): void {
    for (const event of zoneEventsOf(devices, events, picture)) void this.#notifier.show(event);
  }
}
