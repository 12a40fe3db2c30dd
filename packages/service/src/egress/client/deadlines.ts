import { SwapRemoveList } from "../../collections/swap-remove-list.ts";
import type { Indexed } from "../../collections/swap-remove-list.ts";

/** Something whose time may be over. */
export interface Timed extends Indexed {
  /** @param now monotonic, in milliseconds. */
  tick(now: number): void;
}

const TICK_MS = 250;

/**
 * One timer for all connections to targets, since setting and clearing one for each request would cost more than the checks. What is late is
 * noticed half a second later at most, since what moves is dated by the next tick. The timer runs while there is a connection, and keeps no process alive.
 */
export class Deadlines {
  readonly #active = new SwapRemoveList<Timed>();
  readonly #clock: () => number;
  #timer: NodeJS.Timeout | undefined;

  /** @param clock monotonic, in milliseconds: no request may end because the time of day is set. */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock();
  }

  add(timed: Timed): void {
    this.#active.add(timed);
    this.#timer ??= setInterval(() => this.tick(), TICK_MS).unref();
  }

  /** Whether the timer runs. */
  get isRunning(): boolean {
    return this.#timer !== undefined;
  }

  /** Tells all of them the time. */
  tick(): void {
    const now = this.#clock();
    this.#active.forEach((one) => one.tick(now));
  }

  delete(timed: Timed): void {
    if (!this.#active.delete(timed) || this.#active.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
