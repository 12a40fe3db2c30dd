/** Spans that wait for the collector, as they are sent. */
export interface SpanBatch {
  readonly spans: readonly string[];
  readonly bytes: number;
}

/** What a span takes besides its text: its place in the list, and the head of the text. */
const SPAN_OVERHEAD_BYTES = 32;

/** A queue of spans that is bounded in memory. Spans for which there is no room are dropped, since those that wait are not younger. */
export class SpanQueue {
  readonly #maxBytes: number;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #sentBytes = 0;
  /** How many spans were dropped for want of room. */
  dropped = 0;

  /** @param maxBytes of all spans that wait, or are being sent. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Memory of the spans that wait or are being sent. */
  get bytes(): number {
    return this.#waitingBytes + this.#sentBytes;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** @param span in ASCII, which takes a byte a character. */
  put(span: string): void {
    const bytes = span.length + SPAN_OVERHEAD_BYTES;
    if (this.bytes + bytes > this.#maxBytes) {
      this.dropped += 1;
      return;
    }
    this.#waiting.push(span);
    this.#waitingBytes += bytes;
  }

  /** Takes the oldest spans: as many as have `maxBytes` together, and at least one. Their memory counts until they are released. */
  take(maxBytes: number): SpanBatch | undefined {
    let count = 0;
    let bytes = 0;
    for (const span of this.#waiting) {
      const next = bytes + span.length + SPAN_OVERHEAD_BYTES;
      if (count > 0 && next > maxBytes) break;
      bytes = next;
      count += 1;
    }
    if (count === 0) return undefined;
    const spans = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    this.#waitingBytes -= bytes;
    this.#sentBytes += bytes;
    return { spans, bytes };
  }

  /** A batch was taken by the collector, or is given up. */
  release({ bytes }: SpanBatch): void {
    this.#sentBytes -= bytes;
  }

  /** Drops all that waits. @returns how many spans that were. */
  clear(): number {
    const { length } = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    return length;
  }
}
