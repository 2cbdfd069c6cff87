// What the map knows of one object, in the units that people read. Absent fields are not known.
import type { AlertKind, AlertStatus, AircraftKind, FlightPhase, GroundKind } from './proto/live.js';

/** What every object of the air picture has. */
export interface Tracked {
  /** The highest version wins. */
  version: number;
  /** Client's clock at the newest position or value, milliseconds since the Unix epoch. */
  at: number;
  /** Number of the connection that told of it last. */
  connection: number;
}

/** A place in degrees. */
export interface Place {
  lat: number;
  lon: number;
}

export interface Aircraft extends Tracked, Place {
  device: number;
  altitudeM?: number;
  speedKmh?: number;
  climbMps?: number;
  courseDeg?: number;
  kind: AircraftKind;
  phase: FlightPhase;
  /** 0: no alert. */
  alert: AlertKind;
  name?: string;
}

export interface Ground extends Tracked, Place {
  device: number;
  kind: GroundKind;
  /** 0: no alert. */
  alert: AlertKind;
  name?: string;
}

export interface Thermal extends Tracked, Place {
  id: string;
  baseM: number;
  topM: number;
  meanClimbMps: number;
  maxClimbMps: number;
  /** 0 to 5. */
  quality: number;
  radiusM: number;
  pilots: number;
  windFromDeg?: number;
  windKmh?: number;
}

export interface Station extends Tracked, Place {
  device: number;
  windFromDeg?: number;
  windKmh?: number;
  gustKmh?: number;
  temperatureC?: number;
  humidityPct?: number;
  pressureHpa?: number;
  chargePct?: number;
  name?: string;
}

export interface Receiver extends Tracked {
  id: string;
  lat?: number;
  lon?: number;
  framesPerMinute: number;
  estimated: boolean;
}

export interface Alert extends Tracked {
  id: string;
  device: number;
  lat?: number;
  lon?: number;
  kind: AlertKind;
  status: AlertStatus;
  openedAt: number;
  unverified: boolean;
  name?: string;
}
