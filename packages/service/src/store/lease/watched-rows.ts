import type { LeaseRow, NodeId } from "./statements.ts";

/** A row of a node, as polls have shown it. */
export interface WatchedRow {
  readonly node: NodeId;
  readonly renewals: bigint;
  /** When the reply arrived that first showed this count, on the monotonic clock: the node sent that renewal earlier. */
  readonly since: number;
}

/** What is known of the rows after a poll. */
export function watchRows(
  known: readonly WatchedRow[],
  rows: readonly LeaseRow[],
  now: number,
): readonly WatchedRow[] {
  const byNode = new Map(known.map((row) => [row.node, row]));
  return rows.map(({ node, renewals }) => {
    const earlier = byNode.get(node);
    return earlier?.renewals === renewals ? earlier : { node, renewals, since: now };
  });
}

/** Watches a row anew, since it could not be deleted: meanwhile others are, and it is tried again after as long as a lease lasts. */
export function watchAnew(rows: readonly WatchedRow[], node: NodeId, now: number): readonly WatchedRow[] {
  return rows.map((row) => (row.node === node ? { ...row, since: now } : row));
}

/** Rows whose count the last poll showed unchanged for this long. */
export function unchangedFor(
  rows: readonly WatchedRow[],
  durationMs: number,
  now: number,
): readonly WatchedRow[] {
  return rows.filter(({ since }) => now - since >= durationMs);
}
