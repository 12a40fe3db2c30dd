import { wallClock } from "../../../wall-clock.ts";

/** The clocks of a process, in milliseconds. */
export interface Clocks {
  /** Keeps running while the process is stopped; may pause while the machine sleeps. */
  monotonic(): number;
  /** Keeps running while the machine sleeps; can be set. */
  wall(): number;
}

export const CLOCKS: Clocks = { monotonic: () => performance.now(), wall: wallClock };
