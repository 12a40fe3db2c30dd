import type { AuditHead, StoredAuditHeads } from "../../domain/audit-head.ts";
import type { ServiceKeys } from "../keys.ts";
import { StoreCorruptError } from "../store.ts";
import { decodeRow, encodeRow } from "./authenticated-row.ts";
import { numberColumn } from "./columns.ts";

/** The name that the MACs of these rows cover. */
export const AUDIT_TABLE = "audit";

/** What the keys begin with: in LMDB the rows are in the table `meta`, since an older program refuses a table that it does not know. */
export const AUDIT_PREFIX: Buffer = Buffer.from("audit\0");

const WRITER_BYTES = 16;
const NUMBER_BYTES = 8;

/** The name of a table that the MAC of a row of LMDB covers. */
export function macTableOf(table: string, key: Buffer): string {
  const isHead = table === "meta" && key.subarray(0, AUDIT_PREFIX.length).equals(AUDIT_PREFIX);
  return isHead ? AUDIT_TABLE : table;
}

/** The writer and the number of a line. */
export type AuditHeadKey = Pick<AuditHead, "writer" | "sequence">;

export function auditHeadKey({ writer, sequence }: AuditHeadKey): Buffer {
  return Buffer.concat([AUDIT_PREFIX, Buffer.from(writer, "hex"), numberColumn(sequence)]);
}

/** The inverse of {@link auditHeadKey}. @throws StoreCorruptError */
export function auditHeadOfKey(key: Buffer): AuditHeadKey {
  const start = AUDIT_PREFIX.length;
  if (key.length !== start + WRITER_BYTES + NUMBER_BYTES || !key.subarray(0, start).equals(AUDIT_PREFIX))
    throw new StoreCorruptError("a head of the audit trail has a key that was not written");
  return {
    writer: key.toString("hex", start, start + WRITER_BYTES),
    sequence: Number(key.readBigUInt64BE(start + WRITER_BYTES)),
  };
}

/** The row of a head, with its MAC. */
export function encodeAuditHead(head: AuditHead, keys: Pick<ServiceKeys, "rowMac">): Buffer {
  const columns = [head.mac, numberColumn(head.time), numberColumn(head.startedAt)];
  return encodeRow(AUDIT_TABLE, auditHeadKey(head), columns, keys);
}

/** Reads all heads of a store; rows that were changed are counted, since neither a start nor a revoke may fail for one. */
export function readAuditHeads(
  rows: Iterable<{ readonly key: Buffer; readonly body: Buffer }>,
  keys: Pick<ServiceKeys, "verifyRowMac">,
): StoredAuditHeads {
  const heads: AuditHead[] = [];
  let damaged = 0;
  for (const { key, body } of rows) {
    try {
      heads.push(decodeAuditHead(key, body, keys));
    } catch (error) {
      if (!(error instanceof StoreCorruptError)) throw error;
      damaged += 1;
    }
  }
  return { heads, damaged };
}

function decodeAuditHead(key: Buffer, body: Buffer, keys: Pick<ServiceKeys, "verifyRowMac">): AuditHead {
  const [mac, time, startedAt] = decodeRow(AUDIT_TABLE, key, body, keys);
  if (mac === undefined || time === undefined || startedAt === undefined)
    throw new StoreCorruptError("a head of the audit trail lacks a column");
  return {
    ...auditHeadOfKey(key),
    mac,
    time: Number(time.readBigUInt64BE()),
    startedAt: Number(startedAt.readBigUInt64BE()),
  };
}
