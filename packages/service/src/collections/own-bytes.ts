/** @returns the bytes, copied if they are less than half of the memory that they are in: a part of a read keeps the whole read. */
export function ownBytes(bytes: Buffer): Buffer {
  if (bytes.length * 2 >= bytes.buffer.byteLength) return bytes;
  // Not from Node's pool, which is as large as a read in newer versions, and lives as long as the last of what is in it.
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}
