import type { MovedTable, StoredRow, StoredRows } from "../transfer/stored-rows.ts";
import { ALL_AUDIT_HEADS } from "./audit-heads.ts";
import type { KeyRange } from "./authenticated-table.ts";
import type { Environment } from "./environment.ts";
import type { Table, Tables } from "./schema.ts";

/** A page ends with the row that makes it larger than one of these. */
const PAGE_ROWS = 1_000;
const PAGE_BYTES = 1024 * 1024;

/** The table that has the rows of a moved one. */
export function tableOf(tables: Tables, moved: MovedTable): Table {
  return moved === "audit" ? tables.meta : tables[moved];
}

const ALL_ROWS: KeyRange = { start: Buffer.alloc(1), end: Buffer.alloc(64, 0xff) };

/** Reads the rows of an environment that nothing else changes meanwhile. */
export function createStoredRows({ tables, snapshot }: Pick<Environment, "tables" | "snapshot">): StoredRows {
  return {
    async *pages(table: MovedTable) {
      const range = table === "audit" ? ALL_AUDIT_HEADS : ALL_ROWS;
      let after: Buffer | undefined;
      for (;;) {
        const page = snapshot(() => readPage(tableOf(tables, table), after, range));
        after = page.at(-1)?.key;
        if (after === undefined) return;
        yield page;
      }
    },
  };
}

/** The next rows after a key, of the open transaction. */
export function readPage(
  table: Table,
  after: Buffer | undefined,
  { start, end }: KeyRange = ALL_ROWS,
): readonly StoredRow[] {
  const page: StoredRow[] = [];
  let bytes = 0;
  // The first key after another one is that with a zero byte at its end.
  const from = after === undefined ? start : Buffer.concat([after, Buffer.alloc(1)]);
  for (const { key, value } of table.getRange({ start: from, end })) {
    page.push({ key: Buffer.from(key), body: Buffer.from(value) });
    bytes += value.length;
    if (page.length === PAGE_ROWS || bytes >= PAGE_BYTES) break;
  }
  return page;
}
