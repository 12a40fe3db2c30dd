import { isKind } from "../../domain/capability.ts";
import type { Uid } from "../../domain/uid.ts";
import type { RecordType, StoredRecord } from "../record.ts";
import { expiryColumns, RECORD_VERSIONS } from "../record.ts";
import { RecordTooNewError, StoreCorruptError } from "../store.ts";
import { ColumnReader } from "./column-reader.ts";
import { flagColumn, optionalColumn, textColumn } from "./columns.ts";

/**
 * The columns of a record, its uid (the row's key) aside. A record is written in the version that it was read in, since its
 * sealed payload is bound to that version. Of all versions up to now only those of a capability differ in their columns.
 */
export function encodeRecord(record: StoredRecord): readonly Buffer[] {
  const known = ENCODED.get(record);
  if (known !== undefined) return known;
  const columns = [Buffer.from([record.version]), textColumn(record.type), ...recordColumns(record)];
  ENCODED.set(record, columns);
  return columns;
}

/** A record that is created is encoded for its size, for its share of the disk, and for its row. */
const ENCODED = new WeakMap<StoredRecord, readonly Buffer[]>();

function recordColumns(record: StoredRecord): Buffer[] {
  switch (record.type) {
    case "tenant":
      return [
        textColumn(record.name),
        flagColumn(record.revoked),
        uidColumn(record.createdBy),
        record.publicKey,
      ];
    case "membrane":
      return [
        uidColumn(record.tenant),
        textColumn(record.name),
        flagColumn(record.revoked),
        uidColumn(record.createdBy),
        record.recipientKey,
        record.sealed,
      ];
    case "target":
      return [uidColumn(record.membrane), uidColumn(record.createdBy), record.sealed];
    case "capability":
      return [
        textColumn(record.kind),
        uidColumn(record.resource),
        uidColumn(record.parent),
        uidColumn(record.membrane),
        uidColumn(record.createdBy),
        ...expiryColumns(record),
        record.lookupId,
        record.sealed,
      ];
  }
}

/**
 * The inverse of {@link encodeRecord}.
 *
 * @throws RecordTooNewError if a newer program wrote the record.
 * @throws StoreCorruptError if the columns are no record.
 */
export function decodeRecord(key: Uid, columns: readonly Buffer[]): StoredRecord {
  const row = new ColumnReader(columns);
  const version = readVersion(row);
  const type = row.text();
  if (!isRecordType(type) || version > RECORD_VERSIONS[type]) throw new RecordTooNewError(key);
  const record = decodeRecordColumns(key, version, type, row);
  // Rows carry a MAC, so a column that this program does not know was written by a newer one.
  if (record === undefined || !row.isAtEnd()) throw new RecordTooNewError(key);
  return record;
}

function readVersion(row: ColumnReader): number {
  const column = row.bytes();
  const [version] = column;
  if (version === undefined || version === 0) throw new StoreCorruptError("a record has no version");
  return column.length === 1 ? version : Infinity;
}

function isRecordType(text: string): text is RecordType {
  return Object.hasOwn(RECORD_VERSIONS, text);
}

/** @returns nothing for a capability of an unknown kind. */
function decodeRecordColumns(
  uid: Uid,
  version: number,
  type: RecordType,
  row: ColumnReader,
): StoredRecord | undefined {
  switch (type) {
    case "tenant":
      return {
        type,
        uid,
        version,
        name: row.text(),
        revoked: row.flag(),
        ...row.optionalUid("createdBy"),
        publicKey: row.bytes(),
      };
    case "membrane":
      return {
        type,
        uid,
        version,
        tenant: row.uid(),
        name: row.text(),
        revoked: row.flag(),
        createdBy: row.uid(),
        recipientKey: row.bytes(),
        sealed: row.bytes(),
      };
    case "target":
      return { type, uid, version, membrane: row.uid(), createdBy: row.uid(), sealed: row.bytes() };
    case "capability": {
      const kind = row.text();
      if (!isKind(kind)) return undefined;
      return {
        type,
        uid,
        version,
        kind,
        ...row.optionalUid("resource"),
        ...row.optionalUid("parent"),
        ...row.optionalUid("membrane"),
        ...row.optionalUid("createdBy"),
        ...(version === 1 ? {} : row.optionalNumber("expiresAt")),
        lookupId: row.bytes(),
        sealed: row.bytes(),
      };
    }
  }
}

function uidColumn(value: Uid | undefined): Buffer {
  return optionalColumn(value, "hex");
}
