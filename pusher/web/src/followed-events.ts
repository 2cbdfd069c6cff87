import { AlertKind, FlightPhase, ZoneEventKind, type AirPicture, type AlertKind as Kind, type ZoneEventUpdate } from 'updraft-client';
import { openCalls } from './live/alerts';

/** Something that happened to a pilot whom the user follows. */
export type FollowedEvent =
  | { event: 'takeOff' | 'landing'; device: number; name: string | undefined }
  | { event: 'call'; device: number; name: string | undefined; kind: Kind }
  | { event: 'zoneEnter' | 'zoneLeave'; device: number; name: string | undefined; zone: string; zoneId: string };

const IN_AIR: readonly number[] = [FlightPhase.FLIGHT_PHASE_FLYING, FlightPhase.FLIGHT_PHASE_CIRCLING];
const ON_GROUND: readonly number[] = [FlightPhase.FLIGHT_PHASE_ON_GROUND, FlightPhase.FLIGHT_PHASE_LANDED];

interface Known {
  /** Absent: not known yet. */
  flying?: boolean;
  /** 0: none. */
  call: number;
}

/**
 * Take-off, landing and calls of followed devices, each reported once. What a device does when it is seen first is no event, and a
 * device that is not received keeps what was known of it.
 */
export class FollowedEvents {
  readonly #known = new Map<number, Known>();

  update(devices: Iterable<number>, picture: AirPicture): FollowedEvent[] {
    const followed = new Set(devices);
    for (const device of this.#known.keys()) if (!followed.has(device)) this.#known.delete(device);
    // The worst call of a device stands first.
    const calls = new Map(openCalls(picture.alerts.values()).toReversed().map(({ device, kind }) => [device, kind]));
    return [...followed].flatMap((device) => this.#look(device, picture, calls));
  }

  #look(device: number, picture: AirPicture, calls: ReadonlyMap<number, Kind>): FollowedEvent[] {
    const aircraft = picture.aircraft.get(device);
    const ground = picture.ground.get(device);
    if (!aircraft && !ground) return [];
    const before = this.#known.get(device);
    const flying = ground ? false : IN_AIR.includes(aircraft!.phase) ? true : ON_GROUND.includes(aircraft!.phase) ? false : before?.flying;
    const call = calls.get(device) ?? aircraft?.alert ?? ground?.alert ?? AlertKind.ALERT_KIND_UNSPECIFIED;
    this.#known.set(device, { call, ...(flying !== undefined && { flying }) });
    if (!before) return [];
    const name = (aircraft ?? ground)?.name;
    const events: FollowedEvent[] = [];
    if (before.flying !== undefined && flying !== undefined && flying !== before.flying) events.push({ event: flying ? 'takeOff' : 'landing', device, name });
    if (call !== 0 && call !== before.call) events.push({ event: 'call', device, name, kind: call });
    return events;
  }
}

/** Of events in the region, those of followed devices. */
export function zoneEventsOf(devices: Iterable<number>, events: readonly ZoneEventUpdate[], picture: AirPicture): FollowedEvent[] {
  const followed = new Set(devices);
  return events.filter(({ device }) => followed.has(device)).map(({ device, event_kind, set, zone_id, zone_name }) => ({
    event: event_kind === ZoneEventKind.ZONE_EVENT_KIND_ENTER ? 'zoneEnter' : 'zoneLeave', device, name: (picture.aircraft.get(device) ?? picture.ground.get(device))?.name,
    zone: zone_name, zoneId: `${set}/${zone_id}`,
  }));
}
