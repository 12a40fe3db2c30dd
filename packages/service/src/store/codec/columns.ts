const LENGTH_BYTES = 4;
const NUMBER_BYTES = 8;

/**
 * Joins columns with their lengths before them, so that no two different lists of columns give the same bytes:
 * the one encoding of rows, of the input of their MACs, and of the associated data of what is sealed.
 */
export function encodeColumns(columns: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.allocUnsafe(encodedLength(columns));
  writeColumns(bytes, 0, columns);
  return bytes;
}

/** How many bytes {@link encodeColumns} makes of columns. */
export function encodedLength(columns: readonly { readonly length: number }[]): number {
  let size = 0;
  for (const { length } of columns) size += LENGTH_BYTES + length;
  return size;
}

/** Writes what {@link encodeColumns} makes of columns. @returns where it ends. */
export function writeColumns(bytes: Buffer, start: number, columns: readonly Uint8Array[]): number {
  let offset = start;
  for (const column of columns) {
    offset = bytes.writeUInt32BE(column.length, offset);
    bytes.set(column, offset);
    offset += column.length;
  }
  return offset;
}

/**
 * The inverse of {@link encodeColumns}.
 *
 * @throws RangeError if the bytes do not end where the last column ends.
 */
export function decodeColumns(bytes: Buffer): Buffer[] {
  const columns: Buffer[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const start = offset + LENGTH_BYTES;
    const end = start + bytes.readUInt32BE(offset);
    if (end > bytes.length) throw new RangeError("a column ends past its row");
    columns.push(bytes.subarray(start, end));
    offset = end;
  }
  return columns;
}

/** A column of text. */
export function textColumn(value: string): Buffer {
  return Buffer.from(value, "utf8");
}

/** A column of one byte. */
export function flagColumn(value: boolean): Buffer {
  return Buffer.from([value ? 1 : 0]);
}

/** A column with a whole number: 8 bytes, so that their order is that of the numbers. */
export function numberColumn(value: number): Buffer {
  const column = Buffer.alloc(NUMBER_BYTES);
  column.writeBigUInt64BE(BigInt(value));
  return column;
}

export function optionalNumberColumn(value: number | undefined): Buffer {
  return value === undefined ? Buffer.alloc(0) : numberColumn(value);
}

/** A column that may be absent: no bytes then. */
export function optionalColumn(value: string | undefined, encoding: "hex" | "utf8"): Buffer {
  return value === undefined ? Buffer.alloc(0) : Buffer.from(value, encoding);
}
