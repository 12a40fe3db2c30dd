import type { ServiceKeys } from "../keys.ts";
import { StoreCorruptError } from "../store.ts";
import { decodeColumns, encodeColumns, textColumn } from "./columns.ts";

/** Length of the MAC at the end of each row. */
export const MAC_BYTES = 32;

/** Encodes columns with a MAC over table, key and columns: an edited, moved or swapped row does not read. */
export function encodeRow(
  table: string,
  key: Buffer,
  columns: readonly Uint8Array[],
  keys: Pick<ServiceKeys, "rowMac">,
): Buffer {
  const body = encodeColumns(columns);
  return Buffer.concat([body, keys.rowMac(macInput(table, key, body))]);
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
