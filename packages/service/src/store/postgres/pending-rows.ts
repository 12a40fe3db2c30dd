import type { LoadedRows } from "./loaded-rows.ts";
import type { RowChanges, TableChanges } from "./row-changes.ts";
import { noChanges } from "./row-changes.ts";

/** Rows as the changes of a group will leave them, and those changes. */
export interface PendingRows {
  /** The rows that were loaded, with the changes so far. The sweep's queue and pages of names stay as they were loaded. */
  readonly rows: LoadedRows;
  /** The changes so far as one: each row is written once. */
  readonly changes: RowChanges;
  /** Adds the changes of one more write. */
  add(changes: RowChanges): void;
}

export function createPendingRows(loaded: LoadedRows): PendingRows {
  const rows = {
    ...loaded,
    records: new Map(loaded.records),
    lookups: new Map(loaded.lookups),
    names: new Map(loaded.names),
    counts: new Map(loaded.counts),
  };
  const total = noChanges();
  return {
    rows,
    changes: total,
    add(changes) {
      for (const [uid, { body }] of changes.records) rows.records.set(uid, body);
      for (const [text, { body }] of changes.lookups) rows.lookups.set(text, body);
      for (const [text, { body }] of changes.names) rows.names.set(text, body);
      for (const [text, { body }] of changes.counts) rows.counts.set(text, body);
      merge(total.counts, changes.counts);
      merge(total.names, changes.names);
      merge(total.records, changes.records);
      merge(total.lookups, changes.lookups);
      merge(total.children, changes.children);
      merge(total.expiries, changes.expiries);
      merge(total.sweep, changes.sweep);
      for (const [writer, change] of changes.auditHeads) {
        const { sequence = -1 } = total.auditHeads.get(writer)?.key ?? {};
        if (change.key.sequence > sequence) total.auditHeads.set(writer, change);
      }
      total.appended.push(...changes.appended);
      total.trim = Math.max(total.trim, changes.trim);
      total.isForced ||= changes.isForced;
    },
  };
}

/** Whether a row is in the database is known from its first change: the later ones follow from that one. */
function merge<T extends string, K>(total: TableChanges<K, T>, changes: TableChanges<K, T>): void {
  for (const [text, change] of changes) {
    const { isThere } = total.get(text) ?? change;
    total.set(text, { ...change, isThere });
  }
}
