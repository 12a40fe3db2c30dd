/**
 * Removes the code ECONNRESET from an error of a connection. Undici's parser takes that code for the orderly end of a body
 * without a length, since macOS reports some ends so; a response that ends in a reset is incomplete (RFC 9112 §8), and must not
 * look complete. It must be called before undici's own `error` listener.
 */
export function maskReset(error: Error): void {
  if ("code" in error && error.code === "ECONNRESET") error.code = "EGRESS_BROKEN_OFF";
}
