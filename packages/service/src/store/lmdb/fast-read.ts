/**
 * Whether a fast read has found the bytes of `row`. It leaves them at the start of a longer buffer that the next read overwrites, whose
 * property `length` is theirs.
 */
export function hasRead(buffer: Buffer | undefined, row: Buffer): boolean {
  return (
    buffer !== undefined &&
    buffer.length === row.length &&
    buffer.compare(row, 0, row.length, 0, row.length) === 0
  );
}
