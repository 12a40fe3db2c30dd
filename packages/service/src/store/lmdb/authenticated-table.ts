import type { ServiceKeys } from "../keys.ts";
import { encodeColumns, textColumn, decodeColumns } from "../codec/columns.ts";
import { StoreCorruptError } from "../store.ts";
import type { Table } from "./schema.ts";

/** Length of the MAC at the end of each row. */
export const MAC_BYTES = 32;

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
  const macInput = (key: Buffer, body: Uint8Array): Buffer => encodeColumns([textColumn(name), key, body]);
  const read = (key: Buffer, value: Buffer): Buffer[] => {
    const body = value.subarray(0, Math.max(0, value.length - MAC_BYTES));
    if (!keys.verifyRowMac(macInput(key, body), value.subarray(body.length))) {
      throw new StoreCorruptError(`a row of table ${name} is not what was written`);
    }
    return decodeColumns(body);
  };
  return {
    get(key) {
      const value = table.getBinary(key);
      return value === undefined ? undefined : read(key, value);
    },
    put(key, columns) {
      const body = encodeColumns(columns);
      table.putSync(key, Buffer.concat([body, keys.rowMac(macInput(key, body))]));
    },
    remove(key) {
      table.removeSync(key);
    },
    *range({ start, end }) {
      for (const { key, value } of table.getRange({ start, end })) {
        yield { key: Buffer.from(key), columns: read(key, Buffer.from(value)) };
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
