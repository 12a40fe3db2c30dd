import { dependencies } from "../domain/lineage.ts";
import type { StoredRecord } from "./record.ts";
import { encodeRecord } from "./codec/record-codec.ts";

/** The length field of a column, the MAC of a row, and what LMDB adds to a row, in bytes. */
const COLUMN_BYTES = 4;
const MAC_BYTES = 32;
const NODE_BYTES = 16;

const UID_BYTES = 16;
const CHILD_KEY_BYTES = 33;
const EXPIRY_KEY_BYTES = 41;

/** A longer row gets separate pages. */
const MAX_BYTES_IN_PAGE = 2_000;
const PAGE_BYTES = 4_096;

/**
 * How many bytes the rows of a record take in LMDB: its own and those of the indexes, without partly filled pages. Every engine
 * counts so, since a quota must not depend on the engine. The row that counts the uses of a capability is left out: `maxUses` is
 * sealed, so a record does not say whether it has one, and a quota limits how many capabilities there are.
 */
export function sizeOfRecord(record: StoredRecord): number {
  const own = rowBytes(UID_BYTES, encodeRecord(record));
  const children = dependencies(record).length * rowBytes(CHILD_KEY_BYTES, []);
  return own + children + indexBytes(record);
}

function indexBytes(record: StoredRecord): number {
  switch (record.type) {
    case "tenant":
    case "membrane":
      return rowBytes(UID_BYTES + Buffer.byteLength(record.name), [{ length: UID_BYTES }]);
    case "capability":
      return (
        rowBytes(record.lookupId.length, [{ length: UID_BYTES }, { length: 1 }]) +
        (record.expiresAt === undefined ? 0 : rowBytes(EXPIRY_KEY_BYTES, []))
      );
    case "target":
      return 0;
  }
}

function rowBytes(keyBytes: number, columns: readonly { readonly length: number }[]): number {
  const body = columns.reduce((sum, { length }) => sum + COLUMN_BYTES + length, MAC_BYTES);
  const head = NODE_BYTES + keyBytes;
  return head + body <= MAX_BYTES_IN_PAGE
    ? head + body
    : head + Math.ceil((NODE_BYTES + body) / PAGE_BYTES) * PAGE_BYTES;
}
