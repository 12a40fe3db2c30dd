import type { IncomingMessage } from "node:http";

/** Node's two objects for a request, and those of the service; rounded up. */
const REQUEST_BYTES = 2_048;

/** A name or a value in the list of header lines, besides its characters; rounded up. */
const HEADER_PART_BYTES = 64;

/** Node reads 64 KiB at once, which may be ten thousand chunks of one byte, each of which takes a Buffer. */
const CHUNKED_BODY_BYTES = 2 * 1024 * 1024;

/** Node keeps one read of a body that is not consumed, and a little more. */
const MAX_UNREAD_BODY_BYTES = 128 * 1024;

/** Estimates how many bytes of memory a request takes while it waits. */
export function estimateRequestBytes({
  rawHeaders,
  url,
}: Pick<IncomingMessage, "rawHeaders" | "url">): number {
  let bytes = REQUEST_BYTES + rawHeaders.length * HEADER_PART_BYTES + (url?.length ?? 0);
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = "", value = ""] = [rawHeaders[at], rawHeaders[at + 1]];
    bytes += name.length + value.length;
    if (name.length === 17 && name.toLowerCase() === "transfer-encoding") bytes += CHUNKED_BODY_BYTES;
    if (name.length === 14 && name.toLowerCase() === "content-length")
      bytes += Math.min(Number(value) || 0, MAX_UNREAD_BODY_BYTES);
  }
  return bytes;
}
