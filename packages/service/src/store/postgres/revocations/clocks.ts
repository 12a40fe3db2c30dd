import { wallClock } from "../../../wall-clock.ts";

/** The clocks of a process, in milliseconds. */
export interface Clocks {
  /** Runs while the process is stopped, and may not while the machine sleeps. */
  monotonic(): number;
  /** Runs while the machine sleeps, and can be set. */
  wall(): number;
}

export const CLOCKS: Clocks = { monotonic: () => performance.now(), wall: wallClock };
