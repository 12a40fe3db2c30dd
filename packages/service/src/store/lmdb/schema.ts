import type { Database } from "lmdb";
import type { Dependency } from "../../domain/lineage.ts";
import type { Quota } from "../../domain/quota.ts";
import { SERVICE_OWNER } from "../../domain/quota.ts";
import type { Uid } from "../../domain/uid.ts";
import { parseUid, uidBytes } from "../../domain/uid.ts";
import { numberColumn } from "../codec/columns.ts";
import type { OwnedName } from "../engine.ts";
import type { ServiceKeys } from "../keys.ts";
import { StoreCorruptError } from "../store.ts";
import type { AuthenticatedTable, KeyRange } from "./authenticated-table.ts";
import { createAuthenticatedTable } from "./authenticated-table.ts";

/** One named table; keys and values are bytes. */
export type Table = Database<Buffer, Buffer>;

/** The tables of the store. docs/storage.md says what is in each. */
export interface Tables {
  readonly meta: Table;
  readonly nodes: Table;
  readonly lookups: Table;
  readonly names: Table;
  readonly children: Table;
  readonly counts: Table;
  readonly log: Table;
  readonly sweep: Table;
}

export const TABLE_NAMES: readonly (keyof Tables)[] = [
  "meta",
  "nodes",
  "lookups",
  "names",
  "children",
  "counts",
  "log",
  "sweep",
];

/** The rows of each table, past their MACs. */
export type Rows = Readonly<Record<keyof Tables, AuthenticatedTable>>;

export function openRows(tables: Tables, keys: ServiceKeys): Rows {
  const rows = (name: keyof Tables): AuthenticatedTable => createAuthenticatedTable(name, tables[name], keys);
  return {
    meta: rows("meta"),
    nodes: rows("nodes"),
    lookups: rows("lookups"),
    names: rows("names"),
    children: rows("children"),
    counts: rows("counts"),
    log: rows("log"),
    sweep: rows("sweep"),
  };
}

const MAX_BYTE = Buffer.alloc(1, 0xff);
const UID_BYTES = 16;

export function nameKey({ owner, name }: OwnedName): Buffer {
  return Buffer.concat([uidBytes(owner ?? SERVICE_OWNER), Buffer.from(name, "utf8")]);
}

export function nameOfKey(key: Buffer): string {
  return key.toString("utf8", UID_BYTES);
}

/** All names of an owner after one of them. */
export function namesAfter(owner: Uid | undefined, name: string | undefined): KeyRange {
  const first = nameKey({ owner, name: name ?? "" });
  return {
    // No name holds a NUL: this key is right after the name itself, and before all that begin with it.
    start: name === undefined ? first : Buffer.concat([first, Buffer.alloc(1)]),
    end: Buffer.concat([uidBytes(owner ?? SERVICE_OWNER), MAX_BYTE]),
  };
}

/** Steps that ignore a revoked resource sort after the others, so that a sweep can leave them out. */
export function childKey({ to, ignoresRevocation }: Dependency, child: Uid): Buffer {
  return Buffer.concat([uidBytes(to), Buffer.from([ignoresRevocation ? 1 : 0]), uidBytes(child)]);
}

export function childOfKey(key: Buffer): { readonly child: Uid; readonly ignoresRevocation: boolean } {
  return {
    child: parseUid(key.toString("hex", UID_BYTES + 1)),
    ignoresRevocation: key[UID_BYTES] === 1,
  };
}

export function childrenOf(uid: Uid, includesIgnoring: boolean): KeyRange {
  const start = uidBytes(uid);
  return { start, end: Buffer.concat([start, includesIgnoring ? MAX_BYTE : Buffer.from([1])]) };
}

const OWN_CAPABILITIES_SUFFIX = Buffer.from([1]);
const BYTES_SUFFIX = Buffer.from([2]);
const USES_SUFFIX = Buffer.from([3]);

/** A tenant has two counts; that of its membranes has the key without a suffix. */
export function countKey({ owner, kind }: Quota): Buffer {
  const key = uidBytes(owner);
  return kind === "ownCapabilities" ? Buffer.concat([key, OWN_CAPABILITIES_SUFFIX]) : key;
}

export function bytesKey(owner: Uid): Buffer {
  return Buffer.concat([uidBytes(owner), BYTES_SUFFIX]);
}

export function usesKey(capability: Uid): Buffer {
  return Buffer.concat([uidBytes(capability), USES_SUFFIX]);
}

export const ALL_SWEEP_ENTRIES: KeyRange = { start: Buffer.alloc(1), end: Buffer.alloc(UID_BYTES + 1, 0xff) };
/** Follows all entries of the queue: a program that knows of no expiry reads only as far as those. */
const EXPIRY_PREFIX = ALL_SWEEP_ENTRIES.end;
const TIME_BYTES = 8;

/** Ordered by time. */
export function expiryKey(expiresAt: number, uid: Uid): Buffer {
  return Buffer.concat([EXPIRY_PREFIX, numberColumn(expiresAt), uidBytes(uid)]);
}

export function expiryOfKey(key: Buffer): { readonly uid: Uid; readonly expiresAt: number } {
  return {
    uid: parseUid(key.toString("hex", EXPIRY_PREFIX.length + TIME_BYTES)),
    expiresAt: Number(key.readBigUInt64BE(EXPIRY_PREFIX.length)),
  };
}

export function expiriesBefore(time: number): KeyRange {
  return { start: EXPIRY_PREFIX, end: Buffer.concat([EXPIRY_PREFIX, numberColumn(Math.max(0, time))]) };
}

export const ROOT_MARK: Buffer = Buffer.from([1]);
export const DEPENDENT_MARK: Buffer = Buffer.from([0]);

/** The uid that an index row leads to, in its first column. */
export function indexTarget(columns: readonly Buffer[]): Uid {
  const [uid] = columns;
  if (uid === undefined) throw new StoreCorruptError("an index row leads nowhere");
  return parseUid(uid.toString("hex"));
}
