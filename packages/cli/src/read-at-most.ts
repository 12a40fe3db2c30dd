/** Limit that no capability, key or certificate chain reaches. */
export const MIB: number = 1 << 20;

const INITIAL_BUFFER_BYTES = 16 * 1_024;

/**
 * Reads a source to its end, at most `limit` bytes: an endless source must not fill the memory.
 *
 * @returns `undefined` if there are more.
 */
export async function readAtMost(source: AsyncIterable<unknown>, limit: number): Promise<Buffer | undefined> {
  let read: Buffer = Buffer.allocUnsafeSlow(INITIAL_BUFFER_BYTES);
  let length = 0;
  for await (const chunk of source) {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    if (!Buffer.isBuffer(bytes)) throw new TypeError("the source must give bytes or text");
    if (length + bytes.length > limit) return undefined;
    // The piece is copied, since keeping a piece of one byte takes some 360 bytes.
    read = ensureCapacity(read, length + bytes.length);
    length += bytes.copy(read, length);
  }
  return read.subarray(0, length);
}

/** Returns the buffer, or a copy of at least twice its size if it has fewer than `length` bytes. */
function ensureCapacity(bytes: Buffer, length: number): Buffer {
  if (length <= bytes.length) return bytes;
  const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * bytes.length));
  bytes.copy(larger);
  return larger;
}
