import type { MovedTable, StoredRow, StoredRows } from "../transfer/stored-rows.ts";
import type { Environment } from "./environment.ts";
import type { Table } from "./schema.ts";

/** A page ends with the row that makes it larger than one of these. */
const PAGE_ROWS = 1_000;
const PAGE_BYTES = 1024 * 1024;

/** Reads the rows of an environment that nothing else changes meanwhile. */
export function createStoredRows({ tables, snapshot }: Pick<Environment, "tables" | "snapshot">): StoredRows {
  return {
    async *pages(table: MovedTable) {
      let after: Buffer | undefined;
      for (;;) {
        const page = snapshot(() => readPage(tables[table], after));
        after = page.at(-1)?.key;
        if (after === undefined) return;
        yield page;
      }
    },
  };
}

/** The next rows after a key, of the open transaction. */
export function readPage(table: Table, after: Buffer | undefined): readonly StoredRow[] {
  const page: StoredRow[] = [];
  let bytes = 0;
  // The first key after another one is that with a zero byte at its end.
  const start = after === undefined ? Buffer.alloc(1) : Buffer.concat([after, Buffer.alloc(1)]);
  for (const { key, value } of table.getRange({ start })) {
    page.push({ key: Buffer.from(key), body: Buffer.from(value) });
    bytes += value.length;
    if (page.length === PAGE_ROWS || bytes >= PAGE_BYTES) break;
  }
  return page;
}
