import type { BodyFraming } from "../downstream.ts";

/** An unread body of up to this many bytes is read to its end, so that the connection can be kept. */
const MAX_DRAIN_BYTES = 64 * 1024;

/** Whether the rest of a body is short enough to be read, so that the connection can be kept. */
export function canDrain(framing: BodyFraming): boolean {
  return framing.kind === "none" || (framing.kind === "length" && framing.length <= MAX_DRAIN_BYTES);
}
