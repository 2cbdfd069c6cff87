import type { Tracked } from './objects';

/** What is remembered of an object that is no longer shown. */
interface Trace {
  version: number;
  /** True: a tombstone, only a higher version revives it. False: it left the region, the same version may come back. */
  gone: boolean;
}

const MAX_TRACES = 20_000;

/** The objects of one kind: per key the highest version that was ever told, shown or not. */
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

  /** Whether a state of this version is news, or the same again. */
  accepts(key: K, version: number): boolean {
    const trace = this.#traces.get(key);
    if (trace) return trace.gone ? version > trace.version : version >= trace.version;
    return version >= (this.#shown.get(key)?.version ?? 0);
  }

  /** Shows a state that `accepts` let in. */
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

  /** The object is outside of what this client looks at. */
  leave(key: K, version: number): void {
    this.#shown.delete(key);
    this.#leaveTrace(key, version, false);
  }

  /** Keeps the shown objects that `stays` approves of; the others may come back. */
  retain(stays: (object: T, key: K) => boolean): void {
    for (const [key, object] of this.#shown) {
      if (!stays(object, key)) this.leave(key, object.version);
    }
  }

  clear(): void {
    this.#shown.clear();
    this.#traces.clear();
  }

  #leaveTrace(key: K, version: number, gone: boolean): void {
    this.#traces.delete(key);
    this.#traces.set(key, { version, gone });
    if (this.#traces.size <= MAX_TRACES) return;
    const oldest = this.#traces.keys().next();
    if (!oldest.done) this.#traces.delete(oldest.value);
  }
}
