// What the package offers. A program needs `AirPicture`, `Session` and `Connection`; the rest is what they are made of.
export { formatAddress, parseAddress } from './address.js';
export { backoffMs } from './backoff.js';
export { CellSet, cellOf } from './cells.js';
export { decode, decodeHistory, encode } from './codec.js';
export { connectionPolicy, PAUSE_AFTER_MS, type Conditions, type ConnectionPolicy } from './conditions.js';
export { Connection, socketUrl, type ConnectionOptions } from './connection.js';
export * from './objects.js';
// The protocol has a message of this name too.
export type { Position } from './objects.js';
export { AirPicture, type AircraftObserver } from './picture.js';
export * from './proto/live.js';
export type { PastGroundPosition, PastName, PastPosition, PastReading, RegionHistory } from './proto/rest.js';
export * from './proto/units.js';
export * from './region.js';
export { Session, type Effect, type Status } from './session.js';
export { UpdateStats } from './stats.js';
export { RATES, subscriptionQuery, type Rate, type Subscription } from './subscription.js';
export { ObjectTable } from './table.js';
export { TrafficCounter } from './traffic.js';
