import type { WriteRequest } from "../engine.ts";
import { writeCost } from "../write-cost.ts";
import type { WriteTurn } from "./writer.ts";

/** Root pages, branch pages and the lists of free pages, in bytes. */
const MIN_REQUIRED_BYTES = 128 * 1024;

/** A batch of a sweep changes more pages than it has records. */
const SWEEP_REQUIRED_BYTES = 4 * MIN_REQUIRED_BYTES;

/** A record has up to nine rows, on a page each. */
const REQUIRED_BYTES_PER_RECORD = 36 * 1024;

/** A counter has one row. */
const REQUIRED_BYTES_PER_COUNTER = 4 * 1024;

/** How many turns a write takes, and how much space at most. */
export function turnOf({
  class: kind,
  owner,
  size,
}: Pick<WriteRequest, "class" | "owner" | "size">): WriteTurn {
  return {
    class: kind,
    owner,
    cost: writeCost({ class: kind, size }),
    requiredBytes: requiredBytesOf(kind, size),
  };
}

function requiredBytesOf(
  kind: WriteRequest["class"],
  { records, sealedBytes }: WriteRequest["size"],
): number {
  switch (kind) {
    case "sweep":
      return SWEEP_REQUIRED_BYTES;
    case "use":
      return MIN_REQUIRED_BYTES + records * REQUIRED_BYTES_PER_COUNTER;
    case "revoke":
    case "create":
      return MIN_REQUIRED_BYTES + records * REQUIRED_BYTES_PER_RECORD + sealedBytes;
  }
}
