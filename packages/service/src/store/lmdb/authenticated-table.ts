import { decodeRow, encodeRow } from "../codec/authenticated-row.ts";
import type { ServiceKeys } from "../keys.ts";
import type { Table } from "./schema.ts";

/** The first key of a range, and the first after it. */
export interface KeyRange {
  readonly start: Buffer;
  readonly end: Buffer;
}

/** A table whose rows carry a MAC over table, key and columns: an edited, moved or swapped row does not read. */
export interface AuthenticatedTable {
  get(key: Buffer): Buffer[] | undefined;
  put(key: Buffer, columns: readonly Uint8Array[]): void;
  remove(key: Buffer): void;
  /** Rows in the order of their keys. */
  range(keys: KeyRange): Iterable<{ readonly key: Buffer; readonly columns: Buffer[] }>;
}

export function createAuthenticatedTable(name: string, table: Table, keys: ServiceKeys): AuthenticatedTable {
  return {
    get(key) {
      const value = table.getBinary(key);
      return value === undefined ? undefined : decodeRow(name, key, value, keys);
    },
    put(key, columns) {
      table.putSync(key, encodeRow(name, key, columns, keys));
    },
    remove(key) {
      table.removeSync(key);
    },
    *range({ start, end }) {
      for (const { key, value } of table.getRange({ start, end })) {
        yield { key: Buffer.from(key), columns: decodeRow(name, key, Buffer.from(value), keys) };
      }
    },
  };
}

/** The first `count` of `items`, read before anything is written: a cursor is not read on while its table changes. */
export function takeFirst<T>(items: Iterable<T>, count: number): T[] {
  const first: T[] = [];
  for (const item of items) {
    if (first.length === count) break;
    first.push(item);
  }
  return first;
}
