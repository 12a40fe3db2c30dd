const LENGTH_BYTES = 4;
const NUMBER_BYTES = 8;

/**
 * Joins columns with their lengths before them, so that no two different lists of columns give the same bytes:
 * the one encoding of rows, of the input of their MACs, and of the associated data of what is sealed.
 */
export function encodeColumns(columns: readonly Uint8Array[]): Buffer {
  let size = 0;
  for (const { length } of columns) size += LENGTH_BYTES + length;
  const bytes = Buffer.allocUnsafe(size);
  let offset = 0;
  for (const column of columns) {
    bytes.writeUInt32BE(column.length, offset);
    bytes.set(column, offset + LENGTH_BYTES);
    offset += LENGTH_BYTES + column.length;
  }
  return bytes;
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
