// From the wire form of an object to the one the map uses.
import type * as wire from './proto/live.js';
import type { Aircraft, Alert, Ground, Receiver, Station, Thermal, Tracked } from './objects';

/** When and on which connection a message came. */
export interface Arrival {
  /** Client's clock, ms. */
  now: number;
  connection: number;
}

export function aircraftFrom(u: wire.AircraftUpdate, arrival: Arrival, before?: Aircraft): Aircraft {
  return {
    ...tracked(u, arrival),
    ...place(u),
    device: u.device,
    altitudeM: u.altitude_m,
    speedKmh: scaled(u.speed_dkmh, 10),
    climbMps: scaled(u.climb_cmps, 100),
    courseDeg: u.course_deg,
    kind: u.kind_and_phase & 31,
    phase: (u.kind_and_phase >> 5) & 31,
    alert: u.kind_and_phase >> 10,
    name: u.name ?? before?.name,
  };
}

export function groundFrom(u: wire.GroundUpdate, arrival: Arrival, before?: Ground): Ground {
  return {
    ...tracked(u, arrival),
    ...place(u),
    device: u.device,
    kind: u.ground_kind,
    alert: u.alert_kind ?? 0,
    name: u.name ?? before?.name,
  };
}

export function thermalFrom(u: wire.ThermalUpdate, arrival: Arrival): Thermal {
  return {
    ...tracked(u, arrival),
    ...place(u),
    id: u.thermal_id,
    baseM: u.base_altitude_m,
    topM: u.top_altitude_m,
    meanClimbMps: u.mean_climb_cmps / 100,
    maxClimbMps: u.max_climb_cmps / 100,
    quality: u.quality,
    radiusM: u.radius_m,
    pilots: u.pilots,
    windFromDeg: u.wind_from_deg,
    windKmh: scaled(u.wind_speed_dkmh, 10),
  };
}

export function stationFrom(u: wire.StationUpdate, arrival: Arrival, before?: Station): Station {
  return {
    ...tracked(u, arrival),
    ...place(u),
    device: u.device,
    windFromDeg: u.wind_from_deg,
    windKmh: scaled(u.wind_speed_dkmh, 10),
    gustKmh: scaled(u.wind_gust_dkmh, 10),
    temperatureC: scaled(u.temperature_dc, 10),
    humidityPct: u.humidity_pct,
    pressureHpa: scaled(u.pressure_pa, 100),
    chargePct: u.state_of_charge_pct,
    name: u.name ?? before?.name,
  };
}

export function receiverFrom(u: wire.ReceiverUpdate, arrival: Arrival): Receiver {
  return {
    ...tracked(u, arrival),
    id: u.receiver_id,
    lat: scaled(u.latitude_e7, 1e7),
    lon: scaled(u.longitude_e7, 1e7),
    framesPerMinute: u.frames_per_minute,
    estimated: u.estimated,
  };
}

export function alertFrom(u: wire.AlertUpdate, arrival: Arrival, before?: Alert): Alert {
  return {
    ...tracked(u, arrival),
    id: u.alert_id,
    device: u.device,
    lat: scaled(u.latitude_e7, 1e7),
    lon: scaled(u.longitude_e7, 1e7),
    kind: u.alert_kind,
    status: u.status,
    openedAt: u.opened_at_us / 1000,
    unverified: u.unverified,
    name: u.name ?? before?.name,
  };
}

function tracked(u: { version: number; age_ds: number }, { now, connection }: Arrival): Tracked {
  return { version: u.version, at: now - u.age_ds * 100, connection };
}

function place(u: { latitude_e7: number; longitude_e7: number }): { lat: number; lon: number } {
  return { lat: u.latitude_e7 / 1e7, lon: u.longitude_e7 / 1e7 };
}

function scaled(value: number | undefined, divisor: number): number | undefined {
  return value === undefined ? undefined : value / divisor;
}
