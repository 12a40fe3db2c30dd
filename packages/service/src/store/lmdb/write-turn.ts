import type { WriteRequest } from "../engine.ts";
import type { WriteTurn } from "./writer.ts";

/** Root pages, branch pages and the lists of free pages, in bytes. */
const MIN_REQUIRED_BYTES = 128 * 1024;

/** A batch of a sweep changes more pages than it has records. */
const SWEEP_REQUIRED_BYTES = 4 * MIN_REQUIRED_BYTES;

/** A record has up to eight rows, on a page each. */
const REQUIRED_BYTES_PER_RECORD = 32 * 1024;

/** One more turn for each of so many sealed bytes, so that a commit of 32 turns writes about a megabyte. */
const BYTES_PER_COST = 32 * 1024;

/** How many turns a write takes, and how much space at most. */
export function turnOf({
  class: kind,
  owner,
  size,
}: Pick<WriteRequest, "class" | "owner" | "size">): WriteTurn {
  const { records, sealedBytes } = size;
  return {
    class: kind,
    owner,
    cost: 1 + Math.floor(sealedBytes / BYTES_PER_COST),
    requiredBytes:
      kind === "sweep"
        ? SWEEP_REQUIRED_BYTES
        : MIN_REQUIRED_BYTES + records * REQUIRED_BYTES_PER_RECORD + sealedBytes,
  };
}
