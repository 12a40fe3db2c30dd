import type { Decision, WriteRequest, WriteSnapshot } from "../engine.ts";
import { StoreBusyError } from "../store.ts";
import { applyStatements } from "./apply-statements.ts";
import type { Connection, Statement } from "./connection.ts";
import { loadForWrite } from "./load-statements.ts";
import type { LoadedRows } from "./loaded-rows.ts";
import { parseLoadedRows } from "./loaded-rows.ts";
import { areLocked, LOCK_SWEEP, lockStatements } from "./lock-statements.ts";
import { isConflict } from "./postgres-errors.ts";
import type { RevokeCommit } from "./revocations/protocol.ts";
import { recount } from "./recount.ts";
import { foldChanges } from "./row-changes.ts";
import type { RowLocks } from "./row-locks.ts";
import { coversLocks, initialLocks, locksOf, mergeLocks, NO_LOCKS } from "./row-locks.ts";
import type { LoadedSnapshot, SnapshotOptions } from "./snapshot.ts";
import { CountMissingError, createSnapshot } from "./snapshot.ts";
import type { Row } from "./sql-values.ts";
import { bigintOf, uidColumnOf } from "./sql-values.ts";

/** How often a write is tried while others change what it needs. */
const MAX_ATTEMPTS = 16;

/** What a write needs besides its request. */
export type WriteContext = Pick<SnapshotOptions, "keys" | "onTooNew">;

/** A write that was committed, or found nothing to change. */
export interface Written<T> {
  readonly result: T;
  readonly isCommitted: boolean;
  /** Of a revoke, also of one that was repeated. */
  readonly revoked?: RevokeCommit;
}

type Decide<T> = (snapshot: WriteSnapshot) => Decision<T>;

/**
 * Decides from a snapshot that no other write can make wrong, and applies the changes, in one transaction. A first decision,
 * without locks, says what to lock; then those locks are taken in one order for all writes, and the decision is made again from what
 * is there now. It is repeated if it needs other locks, or if another write was faster.
 *
 * @throws StoreBusyError if others change the same rows all the time.
 */
export async function write<T>(
  connection: Connection,
  request: WriteRequest,
  decide: Decide<T>,
  context: WriteContext,
): Promise<Written<T>> {
  let locks = initialLocks(request);
  if (locks === undefined) {
    const snapshot = await load(connection, request, NO_LOCKS);
    const { result, changes } = await withCounts(connection, context, snapshot, decide);
    if (changes.length === 0) return { result, isCommitted: false };
    locks = locksOf(changes);
  }
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const outcome = await attemptWrite(connection, request, decide, context, locks);
    if (outcome.type === "written") return outcome.written;
    locks = mergeLocks(locks, outcome.needed);
  }
  throw new StoreBusyError("other writes change the same rows all the time");
}

type Outcome<T> =
  | { readonly type: "written"; readonly written: Written<T> }
  | { readonly type: "again"; readonly needed: RowLocks };

async function attemptWrite<T>(
  connection: Connection,
  request: WriteRequest,
  decide: Decide<T>,
  context: WriteContext,
  locks: RowLocks,
): Promise<Outcome<T>> {
  try {
    const { locked, loaded } = await lockAndLoad(connection, request, locks);
    if (!areLocked(locks, locked, loaded)) {
      await connection.rollback();
      return { type: "again", needed: locks };
    }
    const { result, needed, folded } = await withCounts(connection, context, loaded, (snapshot) => {
      const { result, changes } = decide(snapshot);
      const needed = locksOf(changes);
      const isApplicable = changes.length > 0 && coversLocks(locks, needed);
      return {
        result,
        needed,
        folded: isApplicable ? foldChanges(changes, snapshot, context.keys) : changes.length,
      };
    });
    if (typeof folded === "number") {
      await connection.rollback();
      return folded === 0
        ? { type: "written", written: { result, isCommitted: false } }
        : { type: "again", needed };
    }
    const revoked = await apply(connection, applyStatements(folded, request.class));
    return { type: "written", written: { result, isCommitted: true, ...(revoked && { revoked }) } };
  } catch (error) {
    await undo(connection);
    if (isConflict(error)) return { type: "again", needed: locks };
    throw error;
  }
}

/** Sends all statements at once: none needs the result of another. The last one sees what the locks have waited for. */
async function lockAndLoad(
  connection: Connection,
  request: WriteRequest,
  locks: RowLocks,
): Promise<{ readonly locked: readonly Row[]; readonly loaded: LoadedRows }> {
  const sweep = request.sweep === undefined ? [] : [LOCK_SWEEP];
  const begun = connection.begin();
  const swept = sweep.map((statement) => send(connection, statement));
  const locked = lockStatements(locks).map((statement) => send(connection, statement));
  const loaded = load(connection, request, locks);
  const [, keys, rows] = await Promise.all([begun, Promise.all(locked), loaded, ...swept]);
  return { locked: keys.flat(), loaded: rows };
}

/** @returns where the log ends, after a revoke. */
async function apply(
  connection: Connection,
  statements: readonly Statement[],
): Promise<RevokeCommit | undefined> {
  const applied = statements.map((statement) => send(connection, statement));
  const committed = connection.commit();
  const [results] = await Promise.all([Promise.all(applied), committed]);
  const head = results.flat().findLast((row) => "position" in row);
  return (
    head && {
      position: { log: uidColumnOf(head, "tag"), sequence: bigintOf(head, "position") },
      leaseMs: Number(bigintOf(head, "lease_ms")),
    }
  );
}

/** Decides from what was loaded. A count that is not kept is made from what is there, and the decision again with it. */
async function withCounts<T>(
  connection: Connection,
  context: WriteContext,
  loaded: LoadedRows,
  decide: (snapshot: LoadedSnapshot) => T,
): Promise<T> {
  const recounted = new Map<string, number>();
  for (;;) {
    try {
      return decide(createSnapshot(loaded, { ...context, recounted }));
    } catch (error) {
      if (!(error instanceof CountMissingError)) throw error;
      await recount(connection, error.ref, context, recounted);
    }
  }
}

async function load(
  connection: Connection,
  request: WriteRequest,
  { counts }: RowLocks,
): Promise<LoadedRows> {
  return parseLoadedRows(await send(connection, loadForWrite(request, [...counts.values()])));
}

function send(connection: Connection, { text, parameters }: Statement): Promise<readonly Row[]> {
  return connection.query(text, parameters);
}

/** A connection that cannot undo is not used again. */
async function undo(connection: Connection): Promise<void> {
  try {
    await connection.rollback();
  } catch {
    connection.destroy();
  }
}
