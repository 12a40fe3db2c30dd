import { BUFFERED_BODY_BYTES, PAYLOAD_HASH_HEADER } from "capability-protocol/payload";

/**
 * Returns the header with a body's hash, without which a signed target accepts no body over {@link BUFFERED_BODY_BYTES}.
 *
 * @param data the body.
 * @returns nothing for a smaller body, for one that cannot be read twice, and without Web Crypto (in a page without HTTPS).
 */
export async function payloadHash(data: unknown): Promise<readonly [string, string] | undefined> {
  const bytes = await bytesOf(data);
  if (bytes === undefined || !("subtle" in globalThis.crypto)) return undefined;
  const digest = new Uint8Array(await globalThis.crypto.subtle.digest("SHA-256", bytes));
  return [PAYLOAD_HASH_HEADER, Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")];
}

/** Headers in which a caller can declare the hash. */
export const PAYLOAD_HASH_HEADERS: ReadonlySet<string> = new Set([
  PAYLOAD_HASH_HEADER.toLowerCase(),
  "x-amz-content-sha256",
]);

async function bytesOf(data: unknown): Promise<ArrayBuffer | Uint8Array<ArrayBuffer> | undefined> {
  if (typeof data === "string") {
    // A UTF-16 unit takes at most three bytes of UTF-8.
    return data.length * 3 <= BUFFERED_BODY_BYTES ? undefined : ifLarge(new TextEncoder().encode(data));
  }
  if (data instanceof Blob) return data.size > BUFFERED_BODY_BYTES ? data.arrayBuffer() : undefined;
  if (data instanceof ArrayBuffer) return ifLarge(data);
  if (!ArrayBuffer.isView(data)) return undefined;
  // Web Crypto accepts no view of shared memory.
  const { buffer, byteOffset, byteLength } = data;
  return buffer instanceof ArrayBuffer ? ifLarge(new Uint8Array(buffer, byteOffset, byteLength)) : undefined;
}

function ifLarge<T extends { readonly byteLength: number }>(bytes: T): T | undefined {
  return bytes.byteLength > BUFFERED_BODY_BYTES ? bytes : undefined;
}
