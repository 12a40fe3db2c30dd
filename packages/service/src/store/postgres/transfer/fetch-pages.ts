import type { Connection } from "../connection.ts";
import type { Row } from "../sql-values.ts";
import { bytesOf } from "../sql-values.ts";

/**
 * A page has about so many bytes, by what the rows before it had: uids are random, so that the sizes of rows do not depend on their
 * places.
 */
const PAGE_BYTES = 1024 * 1024;
const FIRST_PAGE_ROWS = 50;
const MAX_PAGE_ROWS = 1_000;

/** What a row takes besides its body, about. */
const KEY_BYTES = 32;

/**
 * Reads what a statement selects, page by page, within the open transaction. What is changed meanwhile is read as it was.
 *
 * @param select with a column `body`.
 */
export async function* fetchPages(
  connection: Connection,
  select: string,
): AsyncGenerator<readonly Row[], void> {
  await connection.query(`DECLARE fetched NO SCROLL CURSOR FOR ${select}`);
  let pageRows = FIRST_PAGE_ROWS;
  for (;;) {
    const rows = await connection.query(`FETCH ${pageRows} FROM fetched`);
    if (rows.length === 0) break;
    yield rows;
    const bytes = rows.reduce((sum, row) => sum + KEY_BYTES + bytesOf(row, "body").length, 0);
    pageRows = Math.max(1, Math.min(MAX_PAGE_ROWS, Math.floor((PAGE_BYTES * rows.length) / bytes)));
  }
  await connection.query("CLOSE fetched");
}
