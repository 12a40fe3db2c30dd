/** @returns the bytes, copied if they are less than half of the memory that they are in: a part of a read keeps the whole read. */
export function ownBytes(bytes: Buffer): Buffer {
  return bytes.length * 2 < bytes.buffer.byteLength ? Buffer.from(bytes) : bytes;
}
