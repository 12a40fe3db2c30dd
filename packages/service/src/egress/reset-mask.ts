/**
 * Takes the code ECONNRESET off an error of a connection. Undici's parser takes that code for the orderly end of a body
 * without a length, since macOS reports some of those so; RFC 9112, section 8, calls an answer that ends in a reset
 * incomplete, and it must not look whole. Call it from the socket's first `error` listener, before undici's own.
 */
export function maskReset(error: Error): void {
  if ("code" in error && error.code === "ECONNRESET") error.code = "EGRESS_BROKEN_OFF";
}
