import type { Database } from "lmdb";
import { SERVICE_OWNER } from "../../domain/quota.ts";
import type { Uid } from "../../domain/uid.ts";
import { uidBytes } from "../../domain/uid.ts";
import { numberColumn } from "../codec/columns.ts";
import { EXPIRY_PREFIX, nameKey } from "../codec/row-keys.ts";
import type { ServiceKeys } from "../keys.ts";
import type { AuthenticatedTable, KeyRange } from "./authenticated-table.ts";
import { createAuthenticatedTable } from "./authenticated-table.ts";
import type { KeyedTable, RowBuffer } from "./buffered-table.ts";
import { createBufferedTable } from "./buffered-table.ts";

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

/** The rows of each table, past their MACs. Those of `counts` are buffered while a group of writes runs. */
export type Rows = Readonly<Record<Exclude<keyof Tables, "counts">, AuthenticatedTable>> & {
  readonly counts: KeyedTable & RowBuffer;
};

export function openRows(tables: Tables, keys: ServiceKeys): Rows {
  const rows = (name: keyof Tables): AuthenticatedTable => createAuthenticatedTable(name, tables[name], keys);
  return {
    meta: rows("meta"),
    nodes: rows("nodes"),
    lookups: rows("lookups"),
    names: rows("names"),
    children: rows("children"),
    counts: createBufferedTable(rows("counts")),
    log: rows("log"),
    sweep: rows("sweep"),
  };
}

const MAX_BYTE = Buffer.alloc(1, 0xff);

/** All names of an owner after one of them. */
export function namesAfter(owner: Uid | undefined, name: string | undefined): KeyRange {
  const first = nameKey({ owner, name: name ?? "" });
  return {
    // No name holds a NUL: this key is right after the name itself, and before all that begin with it.
    start: name === undefined ? first : Buffer.concat([first, Buffer.alloc(1)]),
    end: Buffer.concat([uidBytes(owner ?? SERVICE_OWNER), MAX_BYTE]),
  };
}

export function childrenOf(uid: Uid, includesIgnoring: boolean): KeyRange {
  const start = uidBytes(uid);
  return { start, end: Buffer.concat([start, includesIgnoring ? MAX_BYTE : Buffer.from([1])]) };
}

export const ALL_SWEEP_ENTRIES: KeyRange = { start: Buffer.alloc(1), end: EXPIRY_PREFIX };

export function expiriesBefore(time: number): KeyRange {
  return { start: EXPIRY_PREFIX, end: Buffer.concat([EXPIRY_PREFIX, numberColumn(Math.max(0, time))]) };
}
