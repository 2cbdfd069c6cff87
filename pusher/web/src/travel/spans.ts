/** A time: from, included, to, not included; ms since the Unix epoch. */
export interface Span {
  from: number;
  to: number;
}

/** Times that are known: apart from each other, in order. */
export class Spans {
  #spans: Span[] = [];

  add({ from, to }: Span): void {
    if (from >= to) return;
    const touching = this.#spans.filter((span) => span.from <= to && span.to >= from);
    const joined = { from: Math.min(from, ...touching.map((span) => span.from)), to: Math.max(to, ...touching.map((span) => span.to)) };
    this.#spans = [...this.#spans.filter((span) => !touching.includes(span)), joined].sort((a, b) => a.from - b.from);
  }

  /** The end of the span that holds this time; the time itself where none does. */
  endOf(at: number): number {
    return this.#spans.find(({ from, to }) => from <= at && at < to)?.to ?? at;
  }

  /** What is not known of a time, in order. */
  gaps({ from, to }: Span): Span[] {
    const gaps: Span[] = [];
    let at = from;
    for (const span of this.#spans) {
      if (span.to <= at) continue;
      if (span.from >= to) break;
      if (span.from > at) gaps.push({ from: at, to: span.from });
      at = span.to;
    }
    if (at < to) gaps.push({ from: at, to });
    return gaps;
  }

  /** Forgets what lies outside of a time. */
  clip({ from, to }: Span): void {
    this.#spans = this.#spans.map((span) => ({ from: Math.max(from, span.from), to: Math.min(to, span.to) })).filter((span) => span.from < span.to);
  }

  clear(): void {
    this.#spans = [];
  }
}
