import { StoreCorruptError } from "../store.ts";

const MAX_ONE_BYTE = 0xff;
const WIDE_BYTES = 4;

/** The version of a service key as a column: one byte, as every store had it, or four from 256 on. */
export function keyVersionColumn(keyVersion: number): Buffer {
  if (keyVersion <= MAX_ONE_BYTE) return Buffer.from([keyVersion]);
  const column = Buffer.alloc(WIDE_BYTES);
  column.writeUInt32BE(keyVersion);
  return column;
}

/** The inverse of {@link keyVersionColumn}. @throws StoreCorruptError if the column is none. */
export function readKeyVersion(column: Buffer): number {
  const version = column.length === WIDE_BYTES ? column.readUInt32BE() : column[0];
  if (version === undefined || version === 0 || (column.length !== 1 && column.length !== WIDE_BYTES))
    throw new StoreCorruptError("a row does not say the version of its service key");
  return version;
}
