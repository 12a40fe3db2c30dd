/**
 * Default of the largest body that a service buffers to sign it, in bytes (`--buffered-body-bytes`). A larger body needs its hash
 * in {@link PAYLOAD_HASH_HEADER}.
 *
 * @example
 * BUFFERED_BODY_BYTES; // => 8_388_608
 */
export const BUFFERED_BODY_BYTES: number = 8 * 1024 * 1024;

/**
 * Request header with the SHA-256 of the body, 64 hexadecimal digits. The body then streams, whatever its size.
 *
 * @example
 * const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("body"));
 * const headers = { [PAYLOAD_HASH_HEADER]: Buffer.from(digest).toString("hex") };
 * headers["X-Payload-Sha256"]?.length; // => 64
 */
export const PAYLOAD_HASH_HEADER = "X-Payload-Sha256";
