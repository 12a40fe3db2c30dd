import type { WriteRequest } from "../engine.ts";
import { StoreFailedError } from "../store.ts";
import type { WriteClass } from "../write-queue.ts";
import { applyStatements, NOTIFY } from "./apply-statements.ts";
import type { Connection, Statement } from "./connection.ts";
import { countText } from "./count-ref.ts";
import type { GroupDecision, GroupWrite, Outcome } from "./group-decisions.ts";
import { decideGroup } from "./group-decisions.ts";
import { loadForWrite } from "./load-statements.ts";
import type { LoadedRows } from "./loaded-rows.ts";
import { parseLoadedRows } from "./loaded-rows.ts";
import { areLocked, LOCK_SWEEP, lockStatements } from "./lock-statements.ts";
import { isConflict, RepeatedConflictError } from "./postgres-errors.ts";
import { recount } from "./recount.ts";
import type { RevokeCommit } from "./revocations/protocol.ts";
import type { RowLocks } from "./row-locks.ts";
import { coversLocks, expectedLocks, mergeLocks } from "./row-locks.ts";
import type { SnapshotOptions } from "./snapshot.ts";
import { CountMissingError } from "./snapshot.ts";
import type { Row } from "./sql-values.ts";
import { bigintOf, uidColumnOf } from "./sql-values.ts";

/** How often a group is tried while others change what it needs. */
const MAX_ATTEMPTS = 16;

/** What a write needs besides its request. */
export type WriteContext = Pick<SnapshotOptions, "keys" | "verified" | "onTooNew">;

/** A group that was committed, or found nothing to change. */
export interface WrittenGroup<T> {
  readonly outcomes: ReadonlyMap<GroupWrite<T>, Outcome<T>>;
  readonly isCommitted: boolean;
  /** Of revokes, also of repeated ones. */
  readonly revoked?: RevokeCommit;
}

/**
 * Writes a group in one transaction. The rows that its requests probably change are locked, in one order for all groups of all
 * nodes, and then all that they name is loaded; the writes are decided one after the other; their changes are applied together.
 * It is repeated if the decisions need other locks, or if another group was faster.
 *
 * @param kind the class of all its writes. A sweep is alone.
 * @throws RepeatedConflictError if others change the same rows all the time.
 */
export async function writeGroup<T>(
  connection: Connection,
  kind: WriteClass,
  writes: readonly GroupWrite<T>[],
  context: WriteContext,
): Promise<WrittenGroup<T>> {
  let locks = mergeLocks(writes.map(({ request }) => expectedLocks(request)));
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const staying = writes.filter(({ hasLeft }) => !hasLeft);
    const attempted = await attemptGroup(connection, kind, staying, locks, context);
    if (attempted.type === "written") return attempted.group;
    locks = mergeLocks([locks, attempted.needed]);
  }
  throw new RepeatedConflictError("other writes change the same rows all the time");
}

type Attempt<T> =
  | { readonly type: "written"; readonly group: WrittenGroup<T> }
  | { readonly type: "repeat"; readonly needed: RowLocks };

async function attemptGroup<T>(
  connection: Connection,
  kind: WriteClass,
  writes: readonly GroupWrite<T>[],
  locks: RowLocks,
  context: WriteContext,
): Promise<Attempt<T>> {
  const requests = writes.map(({ request }) => request);
  try {
    const loaded = await lockAndLoad(connection, requests, locks);
    const decided = loaded && (await decide(connection, loaded, writes, locks, context));
    if (decided === undefined || !coversLocks(locks, decided.locks)) {
      // The next attempt is sent with it. Where it fails, that does too.
      connection.rollback().catch(() => undefined);
      return { type: "repeat", needed: decided?.locks ?? locks };
    }
    const { outcomes, changes } = decided;
    if (changes === undefined) {
      await connection.rollback();
      return { type: "written", group: { outcomes, isCommitted: false } };
    }
    const notifies = changes.appended.length > 0;
    const revoked = await applyAndCommit(connection, applyStatements(changes, kind), notifies);
    // Without it the revoke would wait for no node. It can be repeated.
    if (kind === "revoke" && revoked === undefined)
      throw new StoreFailedError("the revocation log did not say where a revoke is");
    return { type: "written", group: { outcomes, isCommitted: true, ...(revoked && { revoked }) } };
  } catch (error) {
    await undo(connection);
    if (isConflict(error)) return { type: "repeat", needed: locks };
    throw error;
  }
}

/**
 * Sends all statements at once: none needs the result of another. The last one sees what the locks have waited for.
 *
 * @returns nothing if another write has inserted a row after it would have been locked.
 */
async function lockAndLoad(
  connection: Connection,
  requests: readonly WriteRequest[],
  locks: RowLocks,
): Promise<LoadedRows | undefined> {
  const send = sendTo(connection);
  const begun = connection.begin();
  const swept = requests.some(({ sweep }) => sweep !== undefined) ? [send(LOCK_SWEEP)] : [];
  const locking = lockStatements(locks).map(send);
  const loading = send(loadForWrite(requests, [...locks.counts.values()]));
  await allInOrder([begun, ...swept, ...locking, loading]);
  const locked = await Promise.all(locking);
  const loaded = parseLoadedRows(await loading);
  return areLocked(locks, locked.flat(), loaded) ? loaded : undefined;
}

/** Decides from what was loaded. A count that is not kept is made from what is there, and the decisions again with it. */
async function decide<T>(
  connection: Connection,
  loaded: LoadedRows,
  writes: readonly GroupWrite<T>[],
  locks: RowLocks,
  context: WriteContext,
): Promise<GroupDecision<T>> {
  const recounted = new Map<string, () => number>();
  for (;;) {
    try {
      return decideGroup(loaded, writes, locks, { ...context, recounted });
    } catch (error) {
      if (!(error instanceof CountMissingError)) throw error;
      recounted.set(countText(error.ref), await recount(connection, error.ref, context));
    }
  }
}

/** @returns where the log ends, after revokes. */
async function applyAndCommit(
  connection: Connection,
  statements: readonly Statement[],
  notifies: boolean,
): Promise<RevokeCommit | undefined> {
  const applied = statements.map(sendTo(connection));
  const committed = connection.commit();
  // Sent with the commit, since nodes wait for it. If that fails, they read for nothing; if this fails, they renew soon.
  if (notifies) connection.query(NOTIFY).catch(() => undefined);
  await allInOrder([...applied, committed]);
  const results = await Promise.all(applied);
  const head = results.flat().findLast((row) => "position" in row);
  return (
    head && {
      position: { log: uidColumnOf(head, "tag"), sequence: bigintOf(head, "position") },
      leaseMs: Number(bigintOf(head, "lease_ms")),
    }
  );
}

/** Throws the error of the first statement that failed: those after it only failed with their transaction. */
async function allInOrder(sent: readonly Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(sent);
  for (const result of sent) await result;
}

function sendTo(connection: Connection): (statement: Statement) => Promise<readonly Row[]> {
  return ({ text, parameters }) => connection.query(text, parameters);
}

/** A connection that cannot undo is not used again. */
async function undo(connection: Connection): Promise<void> {
  try {
    await connection.rollback();
  } catch {
    connection.destroy();
  }
}
