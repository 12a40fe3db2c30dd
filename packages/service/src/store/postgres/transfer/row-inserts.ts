import { auditHeadOfKey } from "../../codec/audit-head-row.ts";
import { decodeRecord } from "../../codec/record-codec.ts";
import {
  childOfKey,
  DEPENDENT_MARK,
  expiryOfKey,
  EXPIRY_PREFIX,
  indexTarget,
  nameOfKey,
  ROOT_MARK,
} from "../../codec/row-keys.ts";
import { parseUid } from "../../../domain/uid.ts";
import type { Uid } from "../../../domain/uid.ts";
import { StoreCorruptError } from "../../store.ts";
import type { MovedTable, VerifiedRow } from "../../transfer/stored-rows.ts";
import { countRefOfKey } from "../count-ref.ts";
import type { RowChanges } from "../row-changes.ts";
import { noChanges, recordRow } from "../row-changes.ts";

/**
 * Inserts of rows as they are, with their MACs; the columns in clear repeat what is in them.
 *
 * @throws RecordTooNewError for a record whose dependencies only a newer program knows.
 */
export function insertsOf(table: MovedTable, rows: readonly VerifiedRow[]): RowChanges {
  const inserts = noChanges();
  for (const row of rows) addInsert(inserts, table, row);
  return inserts;
}

function addInsert(inserts: RowChanges, table: MovedTable, { key, body, columns }: VerifiedRow): void {
  const text = key.toString("hex");
  const change = { body, isThere: false };
  switch (table) {
    case "nodes": {
      const record = decodeRecord(uidOf(key), columns);
      return void inserts.records.set(record.uid, { ...change, key: recordRow(record) });
    }
    case "lookups":
      return void inserts.lookups.set(text, { ...change, key: { lookupId: key, uid: indexTarget(columns) } });
    case "names": {
      const name = { owner: uidOf(key), name: nameOfKey(key), holder: indexTarget(columns) };
      return void inserts.names.set(text, { ...change, key: name });
    }
    case "children":
      return void inserts.children.set(text, { ...change, key: { uid: uidOf(key), ...childOfKey(key) } });
    case "counts":
      return void inserts.counts.set(text, { ...change, key: countRefOfKey(key) });
    case "audit":
      return void inserts.auditHeads.set(text, { body, key: auditHeadOfKey(key), replaces: false });
    case "sweep":
      if (isExpiry(key)) inserts.expiries.set(text, { ...change, key: expiryOfKey(key) });
      else inserts.sweep.set(text, { ...change, key: { uid: uidOf(key), isRoot: isRootMark(columns) } });
      return;
  }
}

/** The uid that a key begins with. */
function uidOf(key: Buffer): Uid {
  return parseUid(key.toString("hex", 0, UID_BYTES));
}

const UID_BYTES = 16;

function isExpiry(key: Buffer): boolean {
  return key.subarray(0, EXPIRY_PREFIX.length).equals(EXPIRY_PREFIX);
}

function isRootMark([mark]: readonly Buffer[]): boolean {
  if (mark?.equals(ROOT_MARK) === true) return true;
  if (mark?.equals(DEPENDENT_MARK) === true) return false;
  throw new StoreCorruptError("an entry of the sweep's queue has an unknown mark");
}
