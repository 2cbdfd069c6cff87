import { ObjectKind, type Subscribe } from './proto/live.js';
import { regionField, regionQuery, type Region } from './region';

/** Everything that one client wants. */
export interface Subscription {
  region: Region;
  kinds: ObjectKind[];
  /** Devices to see wherever they are. */
  follow: number[];
}

const KIND_NAMES: Record<number, string> = {
  [ObjectKind.OBJECT_KIND_AIRCRAFT]: 'aircraft',
  [ObjectKind.OBJECT_KIND_GROUND]: 'ground',
  [ObjectKind.OBJECT_KIND_THERMAL]: 'thermal',
  [ObjectKind.OBJECT_KIND_STATION]: 'station',
  [ObjectKind.OBJECT_KIND_RECEIVER]: 'receiver',
  [ObjectKind.OBJECT_KIND_ALERT]: 'alert',
};

/** As a message on an open connection. */
export function subscribeMessage({ region, kinds, follow }: Subscription): Subscribe {
  return { ...regionField(region), kinds, follow_devices: follow, replace_lists: true };
}

/** How often a client wants to hear of changes, the slower ones for poor lines. */
export const RATES = ['live', '1s', '5s', '30s'] as const;
export type Rate = (typeof RATES)[number];

/** As the query of a new connection. Followed devices do not fit in there: they want a Subscribe of their own. */
export function subscriptionQuery({ region, kinds }: Subscription, rate: Rate, resume?: string): string {
  const query = new URLSearchParams(regionQuery(region));
  query.set('kinds', kinds.map((kind) => KIND_NAMES[kind]).join(','));
  if (rate !== 'live') query.set('rate', rate);
  if (resume) query.set('resume', resume);
  return query.toString();
}

export function isSameSubscription(a: Subscription, b: Subscription): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
