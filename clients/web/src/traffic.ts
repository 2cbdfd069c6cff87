const MINUTE_MS = 60_000;
/** Bytes are summed for so long before they count as one sample, ms. */
const SAMPLE_MS = 1000;

/** How many bytes were received: in total, and per minute. */
export class TrafficCounter {
  #total = 0;
  #since: number | undefined;
  #samples: { at: number; bytes: number }[] = [];

  add(bytes: number, now: number): void {
    this.#since ??= now;
    this.#total += bytes;
    const last = this.#samples.at(-1);
    if (last && now - last.at < SAMPLE_MS) last.bytes += bytes;
    else this.#samples.push({ at: now, bytes });
    const expired = this.#samples.findIndex(({ at }) => now - at < MINUTE_MS);
    if (expired > 0) this.#samples.splice(0, expired);
  }

  /** Since the first byte. */
  get totalBytes(): number {
    return this.#total;
  }

  /** In the last minute. In the first minute: extrapolated from what was received so far, after 10 s at the earliest. */
  bytesPerMinute(now: number): number {
    if (this.#since === undefined) return 0;
    const recent = this.#samples.filter(({ at }) => now - at < MINUTE_MS).reduce((sum, { bytes }) => sum + bytes, 0);
    const measured = Math.min(MINUTE_MS, Math.max(10_000, now - this.#since));
    return (recent * MINUTE_MS) / measured;
  }
}
