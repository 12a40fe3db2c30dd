import { isKind } from "../../domain/capability.ts";
import type { Uid } from "../../domain/uid.ts";
import { parseUid } from "../../domain/uid.ts";
import { optionalColumn, textColumn } from "../columns.ts";
import type { StoredRecord } from "../record.ts";
import { FORMAT_VERSION } from "../record.ts";
import { StoreCorruptError } from "../store.ts";

/** The columns of a record, its uid (the row's key) aside. */
export function encodeRecord(record: StoredRecord): Buffer[] {
  return [Buffer.from([FORMAT_VERSION]), textColumn(record.type), ...recordColumns(record)];
}

function recordColumns(record: StoredRecord): Buffer[] {
  switch (record.type) {
    case "tenant":
      return [textColumn(record.name), flag(record.revoked), uid(record.createdBy), record.publicKey];
    case "membrane":
      return [
        uid(record.tenant),
        textColumn(record.name),
        flag(record.revoked),
        uid(record.createdBy),
        record.recipientKey,
        record.sealed,
      ];
    case "target":
      return [uid(record.membrane), uid(record.createdBy), record.sealed];
    case "capability":
      return [
        textColumn(record.kind),
        uid(record.resource),
        uid(record.parent),
        uid(record.membrane),
        uid(record.createdBy),
        record.lookupId,
        record.sealed,
      ];
  }
}

/**
 * The inverse of {@link encodeRecord}.
 *
 * @throws StoreCorruptError if the columns are none of this format version.
 */
export function decodeRecord(key: Uid, columns: readonly Buffer[]): StoredRecord {
  const row = new ColumnReader(columns);
  if (row.bytes()[0] !== FORMAT_VERSION)
    throw new StoreCorruptError("a record has an unknown format version");
  const record = decodeRecordColumns(key, row);
  row.end();
  return record;
}

function decodeRecordColumns(key: Uid, row: ColumnReader): StoredRecord {
  switch (row.text()) {
    case "tenant":
      return {
        type: "tenant",
        uid: key,
        name: row.text(),
        revoked: row.flag(),
        ...row.optionalUid("createdBy"),
        publicKey: row.bytes(),
      };
    case "membrane":
      return {
        type: "membrane",
        uid: key,
        tenant: row.uid(),
        name: row.text(),
        revoked: row.flag(),
        createdBy: row.uid(),
        recipientKey: row.bytes(),
        sealed: row.bytes(),
      };
    case "target":
      return { type: "target", uid: key, membrane: row.uid(), createdBy: row.uid(), sealed: row.bytes() };
    case "capability": {
      const kind = row.text();
      if (!isKind(kind)) throw new StoreCorruptError("a capability is of an unknown kind");
      return {
        type: "capability",
        uid: key,
        kind,
        ...row.optionalUid("resource"),
        ...row.optionalUid("parent"),
        ...row.optionalUid("membrane"),
        ...row.optionalUid("createdBy"),
        lookupId: row.bytes(),
        sealed: row.bytes(),
      };
    }
    default:
      throw new StoreCorruptError("a record is of an unknown type");
  }
}

/** Columns read one after the other. */
class ColumnReader {
  readonly #columns: Iterator<Buffer>;

  constructor(columns: readonly Buffer[]) {
    this.#columns = columns[Symbol.iterator]();
  }

  bytes(): Buffer {
    const next = this.#columns.next();
    if (next.done === true) throw new StoreCorruptError("a record has too few columns");
    return next.value;
  }

  text(): string {
    return this.bytes().toString("utf8");
  }

  flag(): boolean {
    return this.bytes()[0] === 1;
  }

  uid(): Uid {
    return parseUid(this.bytes().toString("hex"));
  }

  optionalUid<Name extends string>(name: Name): { [K in Name]?: Uid } {
    const column = this.bytes();
    const empty: { [K in Name]?: Uid } = {};
    return column.length === 0 ? empty : { ...empty, [name]: parseUid(column.toString("hex")) };
  }

  end(): void {
    if (this.#columns.next().done !== true) throw new StoreCorruptError("a record has too many columns");
  }
}

function uid(value: Uid | undefined): Buffer {
  return optionalColumn(value, "hex");
}

function flag(value: boolean): Buffer {
  return Buffer.from([value ? 1 : 0]);
}
