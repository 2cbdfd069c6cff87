import type { Tracked } from './objects.js';

/** The trace of an object that is no longer shown. */
interface Trace {
  version: number;
  /** True: a tombstone, only a higher version revives it. False: it left the region, the same version may come back. */
  ended: boolean;
}

const MAX_TRACES = 20_000;

/** The objects of one kind: per key the highest received version, shown or not. */
export class ObjectTable<K, T extends Tracked> {
  readonly #shown = new Map<K, T>();
  readonly #traces = new Map<K, Trace>();

  get size(): number {
    return this.#shown.size;
  }

  get(key: K): T | undefined {
    return this.#shown.get(key);
  }

  values(): MapIterator<T> {
    return this.#shown.values();
  }

  /** Whether a state of this version is newer than, or the same as, the known one. */
  accepts(key: K, version: number): boolean {
    const trace = this.#traces.get(key);
    if (trace) return trace.ended ? version > trace.version : version >= trace.version;
    return version >= (this.#shown.get(key)?.version ?? 0);
  }

  /** Shows a state that `accepts` accepted. */
  put(key: K, object: T): void {
    this.#traces.delete(key);
    this.#shown.set(key, object);
  }

  /** A tombstone: false when a newer state is shown. */
  remove(key: K, version: number): boolean {
    const shown = this.#shown.get(key);
    if (shown && shown.version > version) return false;
    this.#leaveTrace(key, Math.max(version, this.#traces.get(key)?.version ?? 0), true);
    return this.#shown.delete(key);
  }

  /** The object left the subscription of this client. */
  leave(key: K, version: number): void {
    this.#shown.delete(key);
    this.#leaveTrace(key, version, false);
  }

  /** Keeps the shown objects for which `stays` is true; the others may be shown again. */
  retain(stays: (object: T, key: K) => boolean): void {
    for (const [key, object] of this.#shown) {
      if (!stays(object, key)) this.leave(key, object.version);
    }
  }

  clear(): void {
    this.#shown.clear();
    this.#traces.clear();
  }

  #leaveTrace(key: K, version: number, ended: boolean): void {
    this.#traces.delete(key);
    this.#traces.set(key, { version, ended });
    if (this.#traces.size <= MAX_TRACES) return;
    const oldest = this.#traces.keys().next();
    if (!oldest.done) this.#traces.delete(oldest.value);
  }
}
