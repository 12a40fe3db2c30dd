import type { WriteRequest } from "./engine.ts";

/** A counter has one row, and takes an eighth of the work of a record. */
const COUNTERS_PER_COST = 8;

/** One more turn for each of so many sealed bytes, so that a commit of 32 turns writes about a megabyte. */
const BYTES_PER_COST = 32 * 1024;

/** How many turns share a commit and its flush. Writes of other processes, and the next revoke, wait that long. */
export const MAX_GROUP_COST = 32;

/** How many turns a write takes. */
export function writeCost({
  class: kind,
  size: { records, sealedBytes },
}: Pick<WriteRequest, "class" | "size">): number {
  return kind === "use"
    ? Math.ceil(records / COUNTERS_PER_COST)
    : 1 + Math.floor(sealedBytes / BYTES_PER_COST);
}
