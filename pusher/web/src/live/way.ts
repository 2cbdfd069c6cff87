// What each hop of a frame took, from the times at which it passed the programs.

/** Of the REST API. Microseconds since the Unix epoch, as text. */
export interface Way {
  version: string;
  /** By the receiver's clock, in full seconds. */
  receiver_at_us?: string;
  bridge_at_us?: string;
  processor_at_us?: string;
  pusher_at_us?: string;
}

export const HOPS = ['receiver', 'processor', 'pusher', 'page'] as const;
/** From the receiver over the broker to the bridge; on to the processor and to the pusher over Kafka; and to this page. */
export type HopName = (typeof HOPS)[number];

export interface Hop {
  name: HopName;
  /** Undefined: a time is not known, or the clocks contradict each other. */
  ms: number | undefined;
}

/** A longer hop is an error of a clock, or of a message that waited: no latency. Ms. */
const MAX_HOP_MS = 60_000;
/** Synchronised clocks differ by less than this, ms: a hop that ends so little before it begins took no time. */
const MAX_SKEW_MS = 100;

/** `arrivedAt`: when that version came to this page, server's clock, ms; undefined: it is not known. */
export function hopsOf(way: Way, arrivedAt: number | undefined): Hop[] {
  const ms = (us: string | undefined) => (us === undefined || us === '0' ? undefined : Number(us) / 1000);
  const times = [ms(way.receiver_at_us), ms(way.bridge_at_us), ms(way.processor_at_us), ms(way.pusher_at_us), arrivedAt];
  return HOPS.map((name, i) => ({ name, ms: between(times[i], times[i + 1]) }));
}

/** From the bridge to this page, as far as it is known, ms. The receiver's clock has full seconds and may be wrong: its hop does not count. */
export function totalMs(hops: readonly Hop[]): number | undefined {
  const known = hops.flatMap(({ name, ms }) => (name === 'receiver' || ms === undefined ? [] : [ms]));
  return known.length === 0 ? undefined : known.reduce((sum, ms) => sum + ms, 0);
}

function between(from: number | undefined, to: number | undefined): number | undefined {
  if (from === undefined || to === undefined) return undefined;
  const ms = to - from;
  return ms >= -MAX_SKEW_MS && ms <= MAX_HOP_MS ? Math.max(0, ms) : undefined;
}
