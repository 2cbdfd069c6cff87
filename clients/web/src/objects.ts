// The objects of the map, in display units. Absent fields are unknown.
import type { AlertKind, AlertStatus, AircraftKind, FlightPhase, GroundKind, LandmarkLayer, LandmarkShape } from './proto/live.js';

/** The common fields of all objects of the air picture. */
export interface Tracked {
  /** The highest version wins. */
  version: number;
  /** Client's clock at the newest position or value, milliseconds since the Unix epoch. */
  at: number;
  /** Number of the connection that received its last update. */
  connection: number;
}

/** In degrees. */
export interface Position {
  lat: number;
  lon: number;
}

export interface Aircraft extends Tracked, Position {
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
  /** The newest text that it has broadcast, for half an hour, and when it was sent (ms). */
  text?: string;
  textAt?: number;
}

export interface Ground extends Tracked, Position {
  device: number;
  kind: GroundKind;
  /** 0: no alert. */
  alert: AlertKind;
  name?: string;
  /** The newest text that it has broadcast, for half an hour, and when it was sent (ms). */
  text?: string;
  textAt?: number;
}

export interface Thermal extends Tracked, Position {
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

export interface Station extends Tracked, Position {
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

/** A mark on the map that a device broadcasts. */
export interface Landmark extends Tracked, Position {
  id: string;
  /** Who broadcasts it. */
  device: number;
  layer: LandmarkLayer;
  shape: LandmarkShape;
  /** The first one is its position. */
  points: Position[];
  /** Of circles and cylinders, one for each point. */
  radiiM: number[];
  text?: string;
  bottomM?: number;
  topM?: number;
  /** Bit 0 north, then clockwise; undefined: it counts in any wind. */
  windSectors?: number;
  expiresAt: number;
  /** Of the device. */
  name?: string;
}
