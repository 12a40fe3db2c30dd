import { errorCode } from "../../error-code.ts";
import {
  RecordTooNewError,
  StoreBusyError,
  StoreCorruptError,
  StoreFailedError,
  StoreFormatError,
  StoreFullError,
} from "../store.ts";
import { IS_STANDBY } from "./server-check.ts";
import { SQLSTATE, SQLSTATE_CLASS } from "./sqlstate.ts";

/** Another transaction was faster: a key that was free is taken, or the server ended one of several that waited for each other. */
const CONFLICTS: ReadonlySet<string> = new Set([
  SQLSTATE.uniqueViolation,
  SQLSTATE.serializationFailure,
  SQLSTATE.deadlockDetected,
]);

/** Errors that a later attempt may not get. */
const TRANSIENT: ReadonlySet<string> = new Set([
  SQLSTATE.outOfMemory,
  SQLSTATE.tooManyConnections,
  SQLSTATE.lockNotAvailable,
  SQLSTATE.queryCanceled,
  SQLSTATE.idleInTransactionSessionTimeout,
  SQLSTATE.transactionTimeout,
  SQLSTATE.adminShutdown,
  SQLSTATE.crashShutdown,
  SQLSTATE.cannotConnectNow,
  SQLSTATE.databaseDropped,
  SQLSTATE.idleSessionTimeout,
]);

/** Codes of the driver and of the operating system that a later attempt may not get. A server that restarts has no Unix socket. */
const UNREACHED = /^(?:CONNECT|E(?:CONN|HOST|NET|PIPE|TIMEDOUT|NOENT|NOTFOUND|AI_AGAIN))/;

/** The last two are of a plan: one with another result, and one with other columns. */
const OUTDATED: ReadonlySet<string> = new Set([
  SQLSTATE.invalidSqlStatementName,
  SQLSTATE.featureNotSupported,
  SQLSTATE.datatypeMismatch,
]);

/** A transaction was repeated, and another was faster each time. */
export class RepeatedConflictError extends StoreBusyError {}

/** Values or keys that the server refuses. */
const REFUSED: ReadonlySet<string> = new Set([
  SQLSTATE_CLASS.dataException,
  SQLSTATE_CLASS.integrityConstraintViolation,
  SQLSTATE_CLASS.programLimitExceeded,
]);

/** Whether a transaction may have failed for one of its writes, and was not committed. */
export function mayBeOfOneWrite(error: unknown): boolean {
  return error instanceof RepeatedConflictError || REFUSED.has(errorCode(error)?.slice(0, 2) ?? "");
}

/** Whether a connection has prepared statements that its session of the server does not have any more, or has for other tables. */
export function isOutdated(error: unknown): boolean {
  return OUTDATED.has(errorCode(error) ?? "");
}

/**
 * The error of a statement that has no plan. With the code of a plan that is outdated, a standby has refused a transaction that may
 * write: it then gets that of one that is read-only.
 */
export function withoutPlan(error: unknown): unknown {
  if (errorCode(error) !== SQLSTATE.featureNotSupported) return error;
  return Object.assign(new Error(IS_STANDBY, { cause: error }), { code: SQLSTATE.readOnlySqlTransaction });
}

/** Whether the transaction may be run again from its beginning. */
export function isConflict(error: unknown): boolean {
  return CONFLICTS.has(errorCode(error) ?? "");
}

/**
 * The error of the port for one of the driver or the server. Its message has the code alone: that of the server may have values
 * of rows, and that of the driver the name of the host. The cause is the whole, for the operator at a start.
 */
export function toStoreError(error: unknown): unknown {
  if (isStoreError(error)) return error;
  const code = errorCode(error);
  // A fault of the program, or what a decision has thrown.
  if (code === undefined) return error;
  if (CONFLICTS.has(code))
    return new StoreBusyError(`too many writes change the same rows (${code})`, { cause: error });
  if (code === SQLSTATE.diskFull) return new StoreFullError(code, { cause: error });
  // All transactions that write say so, whatever the defaults of the server are.
  if (code === SQLSTATE.readOnlySqlTransaction)
    return new StoreBusyError(`${IS_STANDBY} (${code})`, { cause: error });
  if (OUTDATED.has(code))
    return new StoreBusyError(`the statements of a connection were outdated (${code})`, { cause: error });
  if (TRANSIENT.has(code) || UNREACHED.test(code) || code.startsWith(SQLSTATE_CLASS.connectionException))
    return new StoreBusyError(`the store was not reached (${code})`, { cause: error });
  return new StoreFailedError(code, { cause: error });
}

function isStoreError(error: unknown): boolean {
  return (
    error instanceof StoreBusyError ||
    error instanceof StoreFullError ||
    error instanceof StoreFailedError ||
    error instanceof StoreCorruptError ||
    error instanceof StoreFormatError ||
    error instanceof RecordTooNewError
  );
}
