import type { ServiceKeys } from "../keys.ts";
import { frame, text, unframe } from "../frame.ts";
import { StoreCorruptError } from "../store.ts";
import type { Table } from "./environment.ts";

const MAC_BYTES = 32;

/** A table whose rows carry a MAC over table, key and columns: an edited, moved or swapped row does not read. */
export interface RowTable {
  get(key: Buffer): Buffer[] | undefined;
  put(key: Buffer, columns: readonly Uint8Array[]): void;
  remove(key: Buffer): void;
  /** Rows with `start <= key < end` in the order of their keys. */
  range(start: Buffer, end: Buffer): Iterable<{ readonly key: Buffer; readonly columns: Buffer[] }>;
}

export function createRowTable(name: string, table: Table, keys: ServiceKeys): RowTable {
  const covered = (key: Buffer, body: Uint8Array): Buffer => frame([text(name), key, body]);
  const read = (key: Buffer, value: Buffer): Buffer[] => {
    const body = value.subarray(0, Math.max(0, value.length - MAC_BYTES));
    if (!keys.isRowMac(covered(key, body), value.subarray(body.length))) {
      throw new StoreCorruptError(`a row of table ${name} is not what was written`);
    }
    return unframe(body);
  };
  return {
    get(key) {
      const value = table.getBinary(key);
      return value === undefined ? undefined : read(key, value);
    },
    put(key, columns) {
      const body = frame(columns);
      table.putSync(key, Buffer.concat([body, keys.rowMac(covered(key, body))]));
    },
    remove(key) {
      table.removeSync(key);
    },
    *range(start, end) {
      for (const { key, value } of table.getRange({ start, end })) {
        yield { key: Buffer.from(key), columns: read(key, Buffer.from(value)) };
      }
    },
  };
}

/** The first `count` of `items`, read before anything is written: a cursor is not read on while its table changes. */
export function take<T>(items: Iterable<T>, count: number): T[] {
  const taken: T[] = [];
  for (const item of items) {
    if (taken.length === count) break;
    taken.push(item);
  }
  return taken;
}
