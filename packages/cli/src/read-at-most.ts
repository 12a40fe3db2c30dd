/** More than any capability, key or certificate chain. */
export const MIB: number = 1 << 20;

/**
 * All bytes of a source: an endless one must not fill the memory.
 *
 * @returns nothing if there are more than `limit`.
 */
export async function readAtMost(source: AsyncIterable<unknown>, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of source) {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    if (!Buffer.isBuffer(bytes)) throw new TypeError("what is read are bytes or text");
    chunks.push(bytes);
    length += bytes.length;
    if (length > limit) return undefined;
  }
  return Buffer.concat(chunks);
}
