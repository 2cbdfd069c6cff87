// What the details say of each kind of object: pairs of a label and a text.
import { formatAddress } from '../live/address';
import type { Aircraft, Ground, Receiver, Station, Thermal } from '../live/objects';
import { FlightPhase } from '../live/proto/live.js';
import type { Estimate } from '../motion/extrapolate';
import { timeOf, type DeviceView } from './device-view';
import { formatAge, formatClimb, formatCourse, formatPlace, formatTime, formatWhole, UNKNOWN } from './format';

export type Facts = [label: string, text: string][];

const PHASES: Record<number, string> = {
  [FlightPhase.FLIGHT_PHASE_ON_GROUND]: 'On the ground',
  [FlightPhase.FLIGHT_PHASE_FLYING]: 'Flying',
  [FlightPhase.FLIGHT_PHASE_CIRCLING]: 'Circling',
  [FlightPhase.FLIGHT_PHASE_LANDED]: 'Landed',
};

export function phaseLabel(phase: number): string | undefined {
  return PHASES[phase];
}

export function aircraftFacts(aircraft: Aircraft, estimate: Estimate, now: number): Facts {
  return [
    ['Altitude', formatWhole(estimate.altitudeM, 'm')],
    ['Climb', aircraft.climbMps === undefined ? UNKNOWN : `${formatClimb(aircraft.climbMps)} m/s`],
    ['Speed', formatWhole(aircraft.speedKmh, 'km/h')],
    ['Course', formatCourse(estimate.courseDeg)],
    ['Position', formatPlace(estimate.lat, estimate.lon)],
    ['Last heard', `${formatAge(now - aircraft.at)} ago`],
  ];
}

export function groundFacts(ground: Ground, now: number): Facts {
  return [['Position', formatPlace(ground.lat, ground.lon)], ['Last heard', `${formatAge(now - ground.at)} ago`]];
}

export function stationFacts(station: Station, now: number): Facts {
  return [
    ['Wind', formatWhole(station.windKmh, 'km/h')],
    ['Gusts', formatWhole(station.gustKmh, 'km/h')],
    ['From', formatCourse(station.windFromDeg)],
    ['Temperature', station.temperatureC === undefined ? UNKNOWN : `${station.temperatureC.toFixed(1)} °C`],
    ['Humidity', formatWhole(station.humidityPct, '%')],
    ['Pressure', formatWhole(station.pressureHpa, 'hPa')],
    ['Battery', formatWhole(station.chargePct, '%')],
    ['Position', formatPlace(station.lat, station.lon)],
    ['Measured', `${formatAge(now - station.at)} ago`],
  ];
}

export function thermalFacts(thermal: Thermal, now: number): Facts {
  return [
    ['Mean climb', `${formatClimb(thermal.meanClimbMps)} m/s`],
    ['Best climb', `${formatClimb(thermal.maxClimbMps)} m/s`],
    ['Base', formatWhole(thermal.baseM, 'm')],
    ['Top', formatWhole(thermal.topM, 'm')],
    ['Radius', formatWhole(thermal.radiusM, 'm')],
    ['Pilots', String(thermal.pilots)],
    ['Quality', `${thermal.quality} of 5`],
    ['Wind', thermal.windKmh === undefined ? UNKNOWN : `${formatWhole(thermal.windKmh, 'km/h')} from ${formatCourse(thermal.windFromDeg)}`],
    ['Last used', `${formatAge(now - thermal.at)} ago`],
  ];
}

export function receiverFacts(receiver: Receiver, now: number): Facts {
  return [
    ['Frames', `${receiver.framesPerMinute} per minute`],
    ['Position', receiver.lat === undefined || receiver.lon === undefined ? 'not known' : formatPlace(receiver.lat, receiver.lon)],
    ['How known', receiver.estimated ? 'estimated by us' : 'stated by its owner'],
    ['Last heard', `${formatAge(now - receiver.at)} ago`],
  ];
}

/** What only the server knows of a device. */
export function deviceFacts(device: number, view: DeviceView | undefined): Facts {
  const facts: Facts = [['Address', formatAddress(device)]];
  if (view?.manufacturer) facts.push(['Manufacturer', view.manufacturer]);
  const state = view?.aircraft ?? view?.ground ?? view?.station;
  if (state?.unverified) facts.push(['Trust', 'not verified']);
  const takeOff = timeOf(state?.take_off_at_us);
  const landed = timeOf(state?.landed_at_us);
  const firstSeen = timeOf(state?.first_seen_at_us);
  if (takeOff !== undefined) facts.push(['Take-off', formatTime(takeOff)]);
  if (landed !== undefined) facts.push(['Landing', formatTime(landed)]);
  if (firstSeen !== undefined) facts.push(['First heard', formatTime(firstSeen)]);
  const receivers = state?.received_by?.map(({ receiver_id, rssi_dbm }) => `${receiver_id}${rssi_dbm === undefined ? '' : ` (${rssi_dbm} dBm)`}`);
  if (receivers?.length) facts.push(['Heard by', receivers.join(', ')]);
  return facts;
}
