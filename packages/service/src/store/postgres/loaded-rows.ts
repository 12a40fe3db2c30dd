import { SERVICE_OWNER } from "../../domain/quota.ts";
import type { Uid } from "../../domain/uid.ts";
import type { OwnedName } from "../engine.ts";
import { nameKey } from "../codec/row-keys.ts";
import type { Position } from "../revocation-source.ts";
import { StoreCorruptError, StoreFailedError } from "../store.ts";
import { countRefOf, countText } from "./count-ref.ts";
import { bigintOf, bytesOf, optionalBytesOf, optionalUidOf, uidColumnOf } from "./sql-values.ts";
import type { Row } from "./sql-values.ts";

/** A row that was looked for; `undefined`: there is none. */
type Found = Buffer | undefined;

/** An entry of the sweep's queue, with the first of what is below it. */
export interface LoadedEntry {
  readonly uid: Uid;
  readonly isRoot: boolean;
  readonly body: Buffer;
  readonly dependents: readonly LoadedDependent[];
}

export interface LoadedDependent {
  readonly uid: Uid;
  readonly ignoresRevocation: boolean;
  readonly hasDependents: boolean;
  readonly body: Buffer;
}

export interface LoadedExpiry {
  readonly uid: Uid;
  readonly expiresAt: number;
  readonly hasDependents: boolean;
  readonly body: Buffer;
}

/** What a statement has read, before any row is verified. A decision reads nothing that is not here. */
export interface LoadedRows {
  readonly position: Position;
  readonly records: ReadonlyMap<Uid, Found>;
  /** By the hex digits of the lookup id. */
  readonly lookups: ReadonlyMap<string, Found>;
  /** By {@link nameText}. */
  readonly names: ReadonlyMap<string, Found>;
  /** In the order of the names. */
  readonly page: readonly { readonly key: Buffer; readonly body: Buffer }[];
  /** By {@link countText}. */
  readonly counts: ReadonlyMap<string, Found>;
  readonly entries: readonly LoadedEntry[];
  /** What depends on a record, by its uid; those of the sweep's queue are in its entries, too. */
  readonly dependents: ReadonlyMap<Uid, readonly LoadedDependent[]>;
  readonly expired: readonly LoadedExpiry[];
}

export function nameText(name: OwnedName): string {
  return nameKey(name).toString("hex");
}

/** @throws StoreFailedError if the statement did not read where the log ends. */
export function parseLoadedRows(rows: readonly Row[]): LoadedRows {
  let position: Position | undefined;
  const records = new Map<Uid, Found>();
  const lookups = new Map<string, Found>();
  const names = new Map<string, Found>();
  const page: { readonly key: Buffer; readonly body: Buffer }[] = [];
  const counts = new Map<string, Found>();
  const entries: LoadedEntry[] = [];
  const dependents = new Map<Uid, LoadedDependent[]>();
  const dependentsOf = (uid: Uid): LoadedDependent[] => {
    const listed = dependents.get(uid) ?? [];
    dependents.set(uid, listed);
    return listed;
  };
  const expired: LoadedExpiry[] = [];
  for (const row of rows) {
    const body = optionalBytesOf(row, "body");
    switch (row["type"]) {
      case "head":
        position = { log: uidColumnOf(row, "id"), sequence: bigintOf(row, "number") };
        break;
      case "record":
        records.set(uidColumnOf(row, "id"), body);
        break;
      case "lookup":
        lookups.set(bytesOf(row, "key").toString("hex"), body);
        break;
      case "name":
        names.set(nameTextOf(row), body);
        break;
      case "page":
        page.push({ key: rowNameKey(row), body: bytesOf(row, "body") });
        break;
      case "count":
        counts.set(countTextOf(row), body);
        break;
      case "entry": {
        const uid = uidColumnOf(row, "id");
        const isRoot = row["flag"] === true;
        entries.push({ uid, isRoot, body: bytesOf(row, "body"), dependents: dependentsOf(uid) });
        break;
      }
      case "dependent": {
        dependentsOf(uidColumnOf(row, "target")).push({
          uid: uidColumnOf(row, "id"),
          ignoresRevocation: row["flag"] === true,
          hasDependents: bigintOf(row, "number") > 0n,
          body: bytesOf(row, "body"),
        });
        break;
      }
      case "expired":
        expired.push({
          uid: uidColumnOf(row, "id"),
          expiresAt: Number(bigintOf(row, "number")),
          hasDependents: row["flag"] === true,
          body: bytesOf(row, "body"),
        });
        break;
      default:
        throw new StoreFailedError("a statement has rows of an unknown type");
    }
  }
  if (position === undefined) throw new StoreCorruptError("the revocation log has no head");
  for (const listed of dependents.values()) listed.sort(compareDependents);
  return {
    position,
    records,
    lookups,
    names,
    page: page.toSorted((a, b) => a.key.compare(b.key)),
    counts,
    entries: entries.toSorted((a, b) => compareTexts(a.uid, b.uid)),
    dependents,
    expired: expired.toSorted((a, b) => a.expiresAt - b.expiresAt || compareTexts(a.uid, b.uid)),
  };
}

/** The owner's uid and the name, as they are in the clear columns of the row. */
function rowNameKey(row: Row): Buffer {
  const owner = optionalUidOf(row, "id") ?? SERVICE_OWNER;
  return Buffer.concat([Buffer.from(owner, "hex"), bytesOf(row, "key")]);
}

/** The {@link nameText} of a row. */
export function nameTextOf(row: Row): string {
  return rowNameKey(row).toString("hex");
}

/**
 * The {@link countText} of a row.
 *
 * @throws StoreCorruptError if the count is of an unknown kind.
 */
export function countTextOf(row: Row): string {
  return countText(countRefOf(uidColumnOf(row, "id"), Number(row["number"])));
}

function compareDependents(a: LoadedDependent, b: LoadedDependent): number {
  return Number(a.ignoresRevocation) - Number(b.ignoresRevocation) || compareTexts(a.uid, b.uid);
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
