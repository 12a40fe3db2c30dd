import { join } from "node:path";
import type { Environment, Table, Tables } from "../../service/src/store/lmdb/environment.ts";
import { openEnvironment, TABLE_NAMES } from "../../service/src/store/lmdb/environment.ts";

export type TableName = keyof Tables;

export interface RawRecord {
  readonly table: TableName;
  readonly key: Buffer;
  readonly value: Buffer;
}

/** The tables of a data directory's store, past everything that guards them: what an attacker with the disk can read and write. */
export interface RawStore extends AsyncDisposable {
  /** Copies of all rows. */
  rows(table?: TableName): RawRecord[];
  /** Writes a row, or removes it (`undefined`), and waits until it is on disk. */
  write(table: TableName, key: Buffer, value: Buffer | undefined): Promise<void>;
}

/** @param data the data directory; a service may have its store open at the same time. */
export function openRawStore(data: string): RawStore {
  const environment: Environment = openEnvironment(join(data, "store"), 2_000);
  const read = (name: TableName): RawRecord[] => {
    const table: Table = environment.tables[name];
    return Array.from(table.getRange({}), ({ key, value }) => ({
      table: name,
      key: Buffer.from(key),
      value: Buffer.from(value),
    }));
  };
  return {
    rows: (name) => environment.snapshot(() => (name === undefined ? TABLE_NAMES.flatMap(read) : read(name))),
    write: (name, key, value) =>
      environment.write(() => {
        if (value === undefined) environment.tables[name].removeSync(key);
        else environment.tables[name].putSync(key, value);
      }),
    [Symbol.asyncDispose]: async () => void (await environment.close()),
  };
}
