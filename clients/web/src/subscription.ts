import { ObjectKind, RateClass, type Subscribe } from './proto/live.js';
import { regionField, regionQuery, type Region } from './region.js';

/** The subscription of one client. */
export interface Subscription {
  region: Region;
  kinds: ObjectKind[];
  /** Devices to receive in any region. */
  follow: number[];
  /** Whether to get the events of aircraft that enter and leave zones (`Session.onZoneEvents`). Undefined: no. */
  zoneEvents?: boolean;
  /** A fleet of the credentials: its devices in any region, hidden ones where they allow it (`AirPicture.fleet`). Undefined: none. */
  fleet?: string;
}

const KIND_NAMES: Record<number, string> = {
  [ObjectKind.OBJECT_KIND_AIRCRAFT]: 'aircraft',
  [ObjectKind.OBJECT_KIND_GROUND]: 'ground',
  [ObjectKind.OBJECT_KIND_THERMAL]: 'thermal',
  [ObjectKind.OBJECT_KIND_STATION]: 'station',
  [ObjectKind.OBJECT_KIND_RECEIVER]: 'receiver',
  [ObjectKind.OBJECT_KIND_ALERT]: 'alert',
  [ObjectKind.OBJECT_KIND_LANDMARK]: 'landmark',
};

/** How often a client receives changes at most; the slower rates are for slow connections. */
export const RATES = ['live', '1s', '5s', '30s'] as const;
export type Rate = (typeof RATES)[number];

/** The time between two updates of a rate, ms; of `live`, about. */
export function intervalMs(rate: Rate): number {
  return rate === 'live' ? 0 : parseInt(rate) * 1000;
}

const RATE_CLASSES: Record<Rate, RateClass> = {
  live: RateClass.RATE_CLASS_LIVE, '1s': RateClass.RATE_CLASS_EVERY_1S, '5s': RateClass.RATE_CLASS_EVERY_5S, '30s': RateClass.RATE_CLASS_EVERY_30S,
};

/** As a message on an open connection. `hadFleet`: one was named on it before, and ends where this subscription has none. */
export function subscribeMessage({ region, kinds, follow, zoneEvents = false, fleet }: Subscription, rate: Rate, hadFleet = false): Subscribe {
  return {
    ...regionField(region), kinds, follow_devices: follow, replace_lists: true, rate: RATE_CLASSES[rate], zone_events: zoneEvents,
    fleet: fleet ?? (hadFleet ? '' : undefined),
  };
}

/**
 * As the query of a new connection. Followed devices do not fit there, and for a fleet that is not allowed any more there would be no
 * connection at all: both need a Subscribe message.
 */
export function subscriptionQuery({ region, kinds, zoneEvents }: Subscription, rate: Rate, resume?: string): string {
  const query = new URLSearchParams(regionQuery(region));
  query.set('kinds', kinds.map((kind) => KIND_NAMES[kind]).join(','));
  if (rate !== 'live') query.set('rate', rate);
  if (zoneEvents) query.set('zone_events', 'true');
  if (resume) query.set('resume', resume);
  return query.toString();
}

export function isSameSubscription(a: Subscription, b: Subscription): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
