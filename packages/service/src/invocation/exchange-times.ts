import type { InvocationDurations } from "./invocation-meter.ts";
import type { Ticker } from "./ticker.ts";

const MS_PER_SECOND = 1_000;

/** When the parts of an exchange began, in milliseconds of the ticker, and how long it may wait for a connection. */
export class ExchangeTimes {
  readonly startedAt: number;
  /** The exchange waits for a connection. */
  isWaiting = false;
  /** How long the exchange may last until it gets a connection. */
  waitMs: number = Number.POSITIVE_INFINITY;
  readonly #clock: Pick<Ticker, "now">;
  readonly #arrivedAt: number;
  #connectedAt: number;
  #begunAt = 0;

  /** @param arrivedAt when the service got the request. */
  constructor(clock: Pick<Ticker, "now">, arrivedAt: number) {
    this.#clock = clock;
    this.#arrivedAt = arrivedAt;
    this.startedAt = this.#connectedAt = clock.now();
  }

  elapsedMs(): number {
    return this.#clock.now() - this.startedAt;
  }

  /** The exchange waits for another connection, for as long as for the first. @param ms at most. */
  waitAnew(ms: number): void {
    this.isWaiting = true;
    this.waitMs = this.elapsedMs() + ms;
  }

  /** There is a connection. Nearly always one is idle, and no clock is read. */
  connect(): void {
    if (this.isWaiting) this.#connectedAt = this.#clock.now();
  }

  /** The first byte is about to be sent. */
  begin(): void {
    this.waitMs = Number.POSITIVE_INFINITY;
    this.#begunAt = this.#clock.now();
  }

  /** @param invocationTimeoutMs how long an exchange may last in all. */
  isOver(now: number, invocationTimeoutMs: number): boolean {
    return now - this.startedAt >= Math.min(this.waitMs, invocationTimeoutMs);
  }

  /**
   * Counts how long the parts of the exchange took, once the head of its response is on the way.
   *
   * @param receivedAt when that head arrived.
   */
  measure(receivedAt: number, durations: InvocationDurations): void {
    const before = this.startedAt - this.#arrivedAt + (this.#begunAt - this.#connectedAt);
    const after = this.#clock.now() - receivedAt;
    const target = this.#connectedAt - this.startedAt + (receivedAt - this.#begunAt);
    durations.gateway.observe((before + after) / MS_PER_SECOND);
    durations.target.observe(target / MS_PER_SECOND);
  }
}
