// Aircraft that were not heard of since they flew, as the REST API lists them: the worst first.
import { AircraftKind, GroundKind, parseAddress, type Position, type View } from 'updraft-client';
import { boxOf } from '../travel/plan';
import { numberOf } from './json-enum';

export interface Silent {
  device: number;
  name?: string;
  /** AircraftKind. */
  kind: number;
  takeOffAt: number;
  /** When it was last heard, ms since the Unix epoch. */
  since: number;
  position: Position;
  altitudeM?: number;
  speedKmh?: number;
  climbMps?: number;
  courseDeg?: number;
  /** The receivers of its last position, the strongest first. */
  receivers: readonly string[];
  /** The receivers that hear others there and should hear it, the nearest first. */
  covering: readonly string[];
  /** Its newest state from the ground since: GroundKind, and its time. */
  ground?: { kind: number; at: number };
  /** It has an open call for help. */
  calls: boolean;
}

export interface SilentList {
  aircraft: readonly Silent[];
  truncated: boolean;
}

interface Answer {
  aircraft?: {
    device: string; name?: string; aircraft_kind: string | number; take_off_at_us: string; silent_since_us: string; position?: { latitude_deg: number; longitude_deg: number; altitude_m?: number };
    speed_kmh?: number; climb_mps?: number; course_deg?: number; received_by?: { receiver_id: string }[]; covered_by?: string[]; ground_kind?: string | number; ground_at_us?: string; alert_kind?: string | number;
  }[];
  truncated?: boolean;
}

export function silentOf({ aircraft = [], truncated = false }: Answer): SilentList {
  return {
    truncated,
    aircraft: aircraft.flatMap((one) => {
      const device = parseAddress(one.device);
      if (device === undefined || !one.position) return [];
      return [{
        device, kind: numberOf(one.aircraft_kind, 'AIRCRAFT_KIND', AircraftKind), takeOffAt: Number(one.take_off_at_us) / 1000, since: Number(one.silent_since_us) / 1000,
        position: { lat: one.position.latitude_deg, lon: one.position.longitude_deg }, receivers: (one.received_by ?? []).map(({ receiver_id }) => receiver_id),
        covering: one.covered_by ?? [], calls: one.alert_kind !== undefined,
        ...known({ name: one.name, altitudeM: one.position.altitude_m, speedKmh: one.speed_kmh, climbMps: one.climb_mps, courseDeg: one.course_deg }),
        ...(one.ground_kind !== undefined && { ground: { kind: numberOf(one.ground_kind, 'GROUND_KIND', GroundKind), at: Number(one.ground_at_us) / 1000 } }),
      }];
    }),
  };
}

/** Those of a view, or all of them. Undefined: the server cannot be reached, or keeps no history. */
export async function fetchSilent(view: View | undefined): Promise<SilentList | undefined> {
  try {
    const bounds = view && `?bounds=${boxOf(view).map((degrees) => degrees.toFixed(4)).join(',')}`;
    const response = await fetch(`./api/v1/silent${bounds ?? ''}`, { headers: { accept: 'application/json' } });
    return response.ok ? silentOf(await response.json() as Answer) : undefined;
  } catch {
    return undefined;
  }
}

function known<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}
