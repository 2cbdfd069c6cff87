const WINDOW_MS = 30_000;
const MAX_SAMPLES = 4096;

interface Sample {
  at: number;
  latencyMs: number;
}

/** End-to-end latency (receiver to this page) and rate of the updates of the last half minute. */
export class UpdateStats {
  #samples: Sample[] = [];

  add(latencyMs: number, at: number): void {
    this.#samples.push({ at, latencyMs });
    if (this.#samples.length > 2 * MAX_SAMPLES) this.#samples = this.#samples.slice(-MAX_SAMPLES);
  }

  /** Updates per second. */
  rate(now: number): number {
    const recent = this.#recent(now);
    const first = recent[0];
    if (!first) return 0;
    return recent.length / Math.max(1, Math.min(WINDOW_MS, now - first.at) / 1000);
  }

  /** The median, ms; undefined without updates. */
  medianMs(now: number): number | undefined {
    const sorted = this.#recent(now).map((sample) => sample.latencyMs).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  }

  #recent(now: number): Sample[] {
    const oldest = now - WINDOW_MS;
    if ((this.#samples[0]?.at ?? now) < oldest) this.#samples = this.#samples.filter((sample) => sample.at >= oldest);
    return this.#samples;
  }
}
