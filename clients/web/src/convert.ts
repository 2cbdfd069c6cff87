// Converts an object from its wire form to the form that the map uses.
import type * as wire from './proto/live.js';
import { CMPS_PER_MPS, DKMH_PER_KMH, E7_PER_DEGREE } from './proto/units.js';
import { ALERT_SHIFT, PHASE_SHIFT } from './proto/wire.js';
import type { Aircraft, Alert, Ground, Landmark, Receiver, Station, Thermal, Tracked } from './objects.js';

/** When and on which connection a message came. */
export interface Arrival {
  /** Client's clock, ms. */
  now: number;
  connection: number;
}

/** The numbers of kind and phase have as many bits as lie below the phase. */
const NUMBER_MASK = (1 << PHASE_SHIFT) - 1;

/** Thousands are received every second. The fields are written out: spreading objects takes twenty times as long. */
export function aircraftFrom(u: wire.AircraftUpdate, { now, connection }: Arrival, before?: Aircraft): Aircraft {
  return {
    version: u.version,
    at: now - u.age_ds * 100,
    connection,
    lat: u.latitude_e7 / 1e7,
    lon: u.longitude_e7 / 1e7,
    device: u.device,
    altitudeM: u.altitude_m,
    speedKmh: scaled(u.speed_dkmh, DKMH_PER_KMH),
    climbMps: scaled(u.climb_cmps, CMPS_PER_MPS),
    courseDeg: u.course_deg,
    kind: u.kind_and_phase & NUMBER_MASK,
    phase: (u.kind_and_phase >> PHASE_SHIFT) & NUMBER_MASK,
    alert: u.kind_and_phase >> ALERT_SHIFT,
    name: u.name ?? before?.name,
    ...text(u),
  };
}

export function groundFrom(u: wire.GroundUpdate, arrival: Arrival, before?: Ground): Ground {
  return {
    ...tracked(u, arrival),
    ...position(u),
    device: u.device,
    kind: u.ground_kind,
    alert: u.alert_kind ?? 0,
    name: u.name ?? before?.name,
    ...text(u),
  };
}

export function thermalFrom(u: wire.ThermalUpdate, arrival: Arrival): Thermal {
  return {
    ...tracked(u, arrival),
    ...position(u),
    id: u.thermal_id,
    baseM: u.base_altitude_m,
    topM: u.top_altitude_m,
    meanClimbMps: u.mean_climb_cmps / CMPS_PER_MPS,
    maxClimbMps: u.max_climb_cmps / CMPS_PER_MPS,
    quality: u.quality,
    radiusM: u.radius_m,
    pilots: u.pilots,
    windFromDeg: u.wind_from_deg,
    windKmh: scaled(u.wind_speed_dkmh, DKMH_PER_KMH),
  };
}

export function stationFrom(u: wire.StationUpdate, arrival: Arrival, before?: Station): Station {
  return {
    ...tracked(u, arrival),
    ...position(u),
    device: u.device,
    windFromDeg: u.wind_from_deg,
    windKmh: scaled(u.wind_speed_dkmh, DKMH_PER_KMH),
    gustKmh: scaled(u.wind_gust_dkmh, DKMH_PER_KMH),
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
    lat: scaled(u.latitude_e7, E7_PER_DEGREE),
    lon: scaled(u.longitude_e7, E7_PER_DEGREE),
    framesPerMinute: u.frames_per_minute,
    estimated: u.estimated,
  };
}

export function alertFrom(u: wire.AlertUpdate, arrival: Arrival, before?: Alert): Alert {
  return {
    ...tracked(u, arrival),
    id: u.alert_id,
    device: u.device,
    lat: scaled(u.latitude_e7, E7_PER_DEGREE),
    lon: scaled(u.longitude_e7, E7_PER_DEGREE),
    kind: u.alert_kind,
    status: u.status,
    openedAt: u.opened_at_us / 1000,
    unverified: u.unverified,
    name: u.name ?? before?.name,
  };
}

export function landmarkFrom(u: wire.LandmarkUpdate, arrival: Arrival, before?: Landmark): Landmark {
  const first = position(u);
  return {
    ...tracked(u, arrival),
    ...first,
    id: u.landmark_id,
    device: u.device,
    layer: u.layer,
    shape: u.shape,
    points: [first, ...u.latitudes_e7.map((latitude_e7, index) => position({ latitude_e7, longitude_e7: u.longitudes_e7[index] ?? 0 }))],
    radiiM: u.radii_m,
    text: u.text,
    bottomM: u.altitude_bottom_m,
    topM: u.altitude_top_m,
    windSectors: u.wind_sectors,
    expiresAt: u.expires_at_us / 1000,
    name: u.name ?? before?.name,
  };
}

function tracked(u: { version: number; age_ds: number }, { now, connection }: Arrival): Tracked {
  return { version: u.version, at: now - u.age_ds * 100, connection };
}

function position(u: { latitude_e7: number; longitude_e7: number }): { lat: number; lon: number } {
  return { lat: u.latitude_e7 / E7_PER_DEGREE, lon: u.longitude_e7 / E7_PER_DEGREE };
}

function scaled(value: number | undefined, divisor: number): number | undefined {
  return value === undefined ? undefined : value / divisor;
}

function text({ text, text_at_us }: wire.AircraftUpdate | wire.GroundUpdate): Pick<Aircraft, 'text' | 'textAt'> {
  return text === undefined ? {} : { text, textAt: (text_at_us ?? 0) / 1000 };
}
