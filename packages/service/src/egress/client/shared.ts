import type { ChunkScheduler } from "../../collections/chunk-scheduler.ts";
import { createChunkScheduler } from "../../collections/chunk-scheduler.ts";
import { Deadlines } from "./deadlines.ts";
import { Turns } from "./turns.ts";

/** What connections share: one timer, one immediate in each turn of the event loop, and turns for responses in many chunks. */
export interface Shared {
  readonly deadlines: Deadlines;
  readonly turns: Turns;
  readonly chunkScheduler: ChunkScheduler;
}

/** @param clock monotonic, in milliseconds. */
export function createShared(clock: () => number): Shared {
  return {
    deadlines: new Deadlines(clock),
    turns: new Turns(),
    chunkScheduler: createChunkScheduler(),
  };
}
