import type { Row } from "./sql-values.ts";

/* The rows that the driver returns, where it does not return those of one statement alone. */

/**
 * Takes out the holes before the rows of a result. The driver leaves as many as the statement before it had rows when it failed
 * amid them.
 */
export function withoutHoles<T extends unknown[]>(rows: T): T {
  if (rows.length > 0 && !(0 in rows))
    rows.splice(
      0,
      rows.findIndex((_, index) => index in rows),
    );
  return rows;
}

/** The rows of the last statement of several. The driver returns a list of results if one before it has completed. */
export function lastRows(results: readonly Row[] | readonly (readonly Row[])[]): readonly Row[] {
  const last = results.at(-1);
  return Array.isArray(last) ? last : [];
}
