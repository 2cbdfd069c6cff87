// Calls for help: how urgent they are, which are open, where they are and who is near.
import { AlertStatus, GroundKind, distanceKm, formatAddress, type AirPicture, type Alert, type Position } from 'updraft-client';

/** `distress`: a person may be in danger; `call`: a request for a ride or for help that is not urgent. */
export type Urgency = 'none' | 'call' | 'distress';

const CALLS: readonly number[] = [GroundKind.GROUND_KIND_NEED_RIDE, GroundKind.GROUND_KIND_NEED_TECHNICAL_SUPPORT];
const DISTRESS: readonly number[] = [
  GroundKind.GROUND_KIND_NEED_MEDICAL_HELP, GroundKind.GROUND_KIND_DISTRESS, GroundKind.GROUND_KIND_AUTOMATIC_DISTRESS,
];
const MOBILE: readonly number[] = [GroundKind.GROUND_KIND_VEHICLE, GroundKind.GROUND_KIND_BIKE, GroundKind.GROUND_KIND_BOAT, GroundKind.GROUND_KIND_WALKING];
const MAX_HELPERS = 3;
/** The largest distance of a helper. */
const HELPER_KM = 50;

/** From the status that a ground device reports. */
export function urgencyOf(kind: number): Urgency {
  return DISTRESS.includes(kind) ? 'distress' : CALLS.includes(kind) ? 'call' : 'none';
}

export function isOpen({ status }: Alert): boolean {
  return status !== AlertStatus.ALERT_STATUS_RESOLVED;
}

/** True for open alerts where a person may be in danger: all except the known kinds of calls that are not urgent. */
export function isDistress(alert: Alert): boolean {
  return isOpen(alert) && !CALLS.includes(alert.kind);
}

/** Open calls, the worst first, then the newest. */
export function openCalls(alerts: Iterable<Alert>): Alert[] {
  return [...alerts].filter(isOpen)
    .sort((a, b) => Number(isDistress(b)) - Number(isDistress(a)) || b.openedAt - a.openedAt || a.device - b.device);
}

/** The open call of a device. */
export function callOf(device: number, picture: AirPicture): Alert | undefined {
  return openCalls(picture.alerts.values()).find((alert) => alert.device === device);
}

/** The position of an alert: that of its device, else its own. */
export function positionOf(alert: Alert, picture: AirPicture): Position | undefined {
  const device = picture.ground.get(alert.device) ?? picture.aircraft.get(alert.device);
  if (device) return device;
  return alert.lat === undefined || alert.lon === undefined ? undefined : { lat: alert.lat, lon: alert.lon };
}

export interface Helper {
  device: number;
  label: string;
  km: number;
}

/** The nearest devices that could help a caller: vehicles, bikes, boats and walkers first, then aircraft. */
export function nearestHelpers(device: number, { lat, lon }: Position, picture: AirPicture): Helper[] {
  const helpers = [
    ...[...picture.ground.values()].filter(({ kind, alert }) => MOBILE.includes(kind) && alert === 0).map((helper) => ({ helper, rank: 0 })),
    ...[...picture.aircraft.values()].filter(({ alert }) => alert === 0).map((helper) => ({ helper, rank: 1 })),
  ].filter(({ helper }) => helper.device !== device)
    .map(({ helper, rank }) => ({ rank, device: helper.device, label: helper.name ?? formatAddress(helper.device), km: distanceKm(lat, lon, helper.lat, helper.lon) }))
    .filter(({ km }) => km <= HELPER_KM);
  return helpers.sort((a, b) => a.rank - b.rank || a.km - b.km).slice(0, MAX_HELPERS).map(({ device: helper, label, km }) => ({ device: helper, label, km }));
}
