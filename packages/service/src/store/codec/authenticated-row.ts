import type { ServiceKeys } from "../keys.ts";
import { StoreCorruptError } from "../store.ts";
import { decodeColumns, encodeColumns, encodedLength, textColumn, writeColumns } from "./columns.ts";

/** Length of the MAC at the end of each row. */
export const MAC_BYTES = 32;

/** Encodes columns with a MAC over table, key and columns: an edited, moved or swapped row does not read. */
export function encodeRow(
  table: string,
  key: Buffer,
  columns: readonly Uint8Array[],
  keys: Pick<ServiceKeys, "rowMac">,
): Buffer {
  // In one buffer: the body is what the MAC covers last, and what the row begins with.
  const head = [textColumn(table), key];
  const bodyBytes = encodedLength(columns);
  const bytes = Buffer.allocUnsafe(encodedLength([...head, { length: bodyBytes }]) + MAC_BYTES);
  const start = bytes.writeUInt32BE(bodyBytes, writeColumns(bytes, 0, head));
  const end = writeColumns(bytes, start, columns);
  bytes.set(keys.rowMac(bytes.subarray(0, end)), end);
  return bytes.subarray(start);
}

/**
 * The inverse of {@link encodeRow}.
 *
 * @throws StoreCorruptError if the row is not what was written.
 */
export function decodeRow(
  table: string,
  key: Buffer,
  row: Buffer,
  keys: Pick<ServiceKeys, "verifyRowMac">,
): Buffer[] {
  const body = row.subarray(0, Math.max(0, row.length - MAC_BYTES));
  if (!keys.verifyRowMac(macInput(table, key, body), row.subarray(body.length))) {
    throw new StoreCorruptError(`a row of table ${table} is not what was written`);
  }
  return decodeColumns(body);
}

function macInput(table: string, key: Buffer, body: Uint8Array): Buffer {
  return encodeColumns([textColumn(table), key, body]);
}
