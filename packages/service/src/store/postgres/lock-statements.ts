import { SERVICE_OWNER } from "../../domain/quota.ts";
import type { Statement } from "./connection.ts";
import type { LoadedRows } from "./loaded-rows.ts";
import { countTextOf, nameTextOf } from "./loaded-rows.ts";
import type { RowLocks } from "./row-locks.ts";
import type { Row } from "./sql-values.ts";
import { byteaArray, plainArray, uidColumnOf, uuidArray } from "./sql-values.ts";

/*
 * Every write takes its locks in one order, so that no two wait for each other: first the row of the format for a sweep, then counts,
 * names and records, each in the order of their keys, and at last the head of the log. Counts come first, since a revoke and all
 * creations below its root change the same ones, and wait for them in turn.
 */

/** Lets one node sweep at a time. It locks a row and takes no advisory lock, which every user who may connect could hold. */
export const LOCK_SWEEP: Statement = {
  text: "SELECT FROM membrane.meta WHERE key = 'format' FOR UPDATE",
  parameters: [],
};

const COUNTS = `
  SELECT 'count' AS type, c.uid AS id, c.kind AS number FROM membrane.count c
  JOIN unnest($1::uuid[], $2::smallint[]) AS q (uid, kind) ON c.uid = q.uid AND c.kind = q.kind
  ORDER BY c.uid, c.kind
  FOR UPDATE OF c`;

const NAMES = `
  SELECT 'name' AS type, n.owner AS id, n.name AS key FROM membrane.name n
  JOIN unnest($1::uuid[], $2::bytea[]) AS q (owner, name) ON n.owner = q.owner AND n.name = q.name
  ORDER BY n.owner, n.name
  FOR UPDATE OF n`;

const CHANGED =
  "SELECT 'record' AS type, r.uid AS id FROM membrane.record r WHERE r.uid = ANY ($1::uuid[]) ORDER BY r.uid FOR UPDATE";

/** Not `FOR KEY SHARE`, which a revoke does not wait for. */
const POINTED_TO =
  "SELECT 'record' AS type, r.uid AS id FROM membrane.record r WHERE r.uid = ANY ($1::uuid[]) ORDER BY r.uid FOR SHARE";

/** @returns statements whose rows are the keys of what they have locked, with the names of columns that loaded rows have. */
export function lockStatements({ counts, names, changed, pointedTo }: RowLocks): Statement[] {
  const statements: Statement[] = [];
  if (counts.size > 0) {
    const refs = [...counts.values()];
    const parameters = [uuidArray(refs.map(({ uid }) => uid)), plainArray(refs.map(({ kind }) => kind))];
    statements.push({ text: COUNTS, parameters });
  }
  if (names.size > 0) {
    const all = [...names.values()];
    const owners = uuidArray(all.map(({ owner }) => owner ?? SERVICE_OWNER));
    statements.push({
      text: NAMES,
      parameters: [owners, byteaArray(all.map(({ name }) => Buffer.from(name)))],
    });
  }
  // In one statement, since those of two would not be in one order: a write that also changes records locks all of them exclusively.
  const records = [...changed, ...pointedTo];
  if (records.length > 0)
    statements.push({ text: changed.size > 0 ? CHANGED : POINTED_TO, parameters: [uuidArray(records)] });
  return statements;
}

/**
 * Whether all rows that were loaded, of those that were to be locked, are locked: one that another write has inserted after a lock
 * statement and before the load is not.
 *
 * @param locked the rows of the {@link lockStatements}.
 */
export function areLocked(locks: RowLocks, locked: readonly Row[], loaded: LoadedRows): boolean {
  const held = new Set(locked.map(lockedKey));
  const isHeld = (key: string, body: Buffer | undefined): boolean => body === undefined || held.has(key);
  return (
    [...locks.counts.keys()].every((key) => isHeld(key, loaded.counts.get(key))) &&
    [...locks.names.keys()].every((key) => isHeld(key, loaded.names.get(key))) &&
    [...locks.changed, ...locks.pointedTo].every((uid) => isHeld(uid, loaded.records.get(uid)))
  );
}

function lockedKey(row: Row): string {
  switch (row["type"]) {
    case "count":
      return countTextOf(row);
    case "name":
      return nameTextOf(row);
    default:
      return uidColumnOf(row, "id");
  }
}
