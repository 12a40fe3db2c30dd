import type { RawRecord, TableName } from "../../../../testkit/src/raw-store.ts";
import { dependencies } from "../../../src/domain/lineage.ts";
import { parseUid, uidBytes } from "../../../src/domain/uid.ts";
import { decodeColumns } from "../../../src/store/codec/columns.ts";
import { decodeRecord } from "../../../src/store/codec/record-codec.ts";
import {
  childKey,
  EXPIRY_PREFIX,
  expiryKey,
  expiryOfKey,
  ROOT_MARK,
  usesKey,
} from "../../../src/store/codec/row-keys.ts";
import type { StoredRecord } from "../../../src/store/record.ts";

const MAC_BYTES = 32;
const UID_BYTES = 16;

/**
 * Returns where a store has a part of a record without the rest. A record, what leads to it and what it leads to are written and
 * removed in one transaction.
 */
export function rowViolations(rows: readonly RawRecord[]): readonly string[] {
  const tables = new Map<TableName, Map<string, Buffer>>();
  for (const { table, key, value } of rows) {
    const entries = tables.get(table) ?? new Map<string, Buffer>();
    tables.set(table, entries.set(key.toString("hex"), value));
  }
  const table = (name: TableName): ReadonlyMap<string, Buffer> => tables.get(name) ?? new Map();
  const records = new Map<string, StoredRecord>();
  for (const [key, value] of table("nodes")) records.set(key, decodeRecord(parseUid(key), columnsOf(value)));
  return [
    ...[...records.values()].flatMap((record) =>
      missingRows(record, records, table).map((name) => `${record.type} ${record.uid} has no ${name}`),
    ),
    ...rowsWithoutRecord(records, table),
  ];
}

type ReadTable = (name: TableName) => ReadonlyMap<string, Buffer>;

/** What a record should have in the other tables, unless a sweep of what it depends on has begun to remove it. */
function missingRows(
  record: StoredRecord,
  records: ReadonlyMap<string, StoredRecord>,
  table: ReadTable,
): readonly string[] {
  const missing: string[] = [];
  const isQueued = table("sweep").has(hex(record.uid));
  for (const dependency of dependencies(record)) {
    const isRevoked = !records.has(hex(dependency.to)) || table("sweep").has(hex(dependency.to));
    const key = childKey(dependency, record.uid).toString("hex");
    if (!isQueued && !isRevoked && !table("children").has(key)) missing.push("row in children");
  }
  if (record.type === "capability") {
    if (!table("lookups").has(record.lookupId.toString("hex"))) missing.push("row in lookups");
    const { expiresAt, uid } = record;
    if (expiresAt !== undefined && !table("sweep").has(expiryKey(expiresAt, uid).toString("hex")))
      missing.push("expiry");
  }
  return missing;
}

/** Rows that lead to a record that is not there. */
function* rowsWithoutRecord(records: ReadonlyMap<string, StoredRecord>, table: ReadTable): Iterable<string> {
  const leadsNowhere = (name: TableName, uid: string): string[] =>
    records.has(uid) ? [] : [`a row in ${name} leads to ${uid}`];
  for (const name of ["lookups", "names"] as const)
    for (const value of table(name).values()) yield* leadsNowhere(name, columnsOf(value)[0]!.toString("hex"));
  for (const key of table("children").keys()) yield* leadsNowhere("children", key.slice(-2 * UID_BYTES));
  for (const [key, value] of table("sweep")) {
    const isExpiry = key.startsWith(EXPIRY_PREFIX.toString("hex"));
    if (isExpiry) yield* leadsNowhere("sweep", hex(expiryOfKey(Buffer.from(key, "hex")).uid));
    // A dependent was removed when it was queued, for those below it.
    else if (columnsOf(value)[0]!.equals(ROOT_MARK)) yield* leadsNowhere("sweep", key);
  }
  for (const key of table("counts").keys()) {
    const uid = key.slice(0, 2 * UID_BYTES);
    if (key === usesKey(parseUid(uid)).toString("hex")) yield* leadsNowhere("counts", uid);
  }
}

function columnsOf(row: Buffer): Buffer[] {
  return decodeColumns(row.subarray(0, -MAC_BYTES));
}

function hex(uid: StoredRecord["uid"]): string {
  return uidBytes(uid).toString("hex");
}
