import { randomFillSync } from "node:crypto";

/** How much is drawn at a time. An export needs 136 bytes in six draws. */
const DRAWN_BYTES = 4096;

const drawn = Buffer.alloc(DRAWN_BYTES);
let used = DRAWN_BYTES;

/**
 * Draws bytes for tokens, keys, nonces and uids from the generator of `node:crypto`, in large pieces: each call of it takes two
 * microseconds, whatever the size. A byte is given out once, and erased here. What is drawn ahead is in the memory of this process alone,
 * as the service keys are, and shows no more than the state of the generator does.
 *
 * @param size at most 4096.
 */
export function drawRandomBytes(size: number): Buffer {
  // A negative size would lead back to bytes that were erased.
  if (!Number.isInteger(size) || size < 0 || size > DRAWN_BYTES)
    throw new RangeError(`0 to ${DRAWN_BYTES} random bytes are drawn at a time`);
  if (used + size > DRAWN_BYTES) {
    randomFillSync(drawn);
    used = 0;
  }
  const bytes = Buffer.from(drawn.subarray(used, used + size));
  drawn.fill(0, used, used + size);
  used += size;
  return bytes;
}
