// Messages as a server sends them, with defaults for the fields that a test does not set.
import type { AircraftUpdate, GroundUpdate, Objects, Present, Removal, ServerMessage, Welcome } from '../src/proto/live.js';

export const DEVICE = 0x110b90;

export function aircraft(update: Partial<AircraftUpdate> = {}): AircraftUpdate {
  return { device: DEVICE, latitude_e7: 466_000_000, longitude_e7: 80_000_000, kind_and_phase: 2 + 32 * 2, version: 10, age_ds: 0, ...update };
}

export function ground(update: Partial<GroundUpdate> = {}): GroundUpdate {
  return { device: DEVICE, latitude_e7: 466_000_000, longitude_e7: 80_000_000, ground_kind: 2, version: 10, age_ds: 0, ...update };
}

export function objects(some: Partial<Objects>): Objects {
  return { aircraft: [], ground: [], thermals: [], stations: [], receivers: [], alerts: [], landmarks: [], ...some };
}

export function present(some: Partial<Present> = {}): Present {
  return { aircraft_devices: [], ground_devices: [], station_devices: [], thermal_ids: [], alert_ids: [], receiver_ids: [], landmark_ids: [], ...some };
}

/** Of an aircraft, unless the test sets another kind. */
export function removal(some: Partial<Removal>): Removal {
  return { object_kind: 1, device: DEVICE, id: 'device', version: 0, ...some };
}

export function welcome(some: Partial<Welcome> = {}): ServerMessage {
  return { message: 'welcome', welcome: { server_at_us: 0, version: '1', epoch: 'e1', heartbeat_interval_s: 30, ...some } };
}

export function snapshot(some: Partial<NonNullable<ServerMessage['snapshot']>> = {}): ServerMessage {
  return { message: 'snapshot', snapshot: { request_id: 0, page: 0, live: true, cells: ['u0'], server_at_us: 0, ...some } };
}

export function updates(some: Partial<NonNullable<ServerMessage['updates']>> = {}): ServerMessage {
  return { message: 'updates', updates: { server_at_us: 0, removals: [], ...some } };
}
