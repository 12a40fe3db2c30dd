import { errorCode } from "../../error-code.ts";
import {
  RecordTooNewError,
  StoreBusyError,
  StoreCorruptError,
  StoreFailedError,
  StoreFormatError,
  StoreFullError,
} from "../store.ts";

/** Another transaction was faster: a key that was free is taken, or the server ended one of several that waited for each other. */
const CONFLICTS: ReadonlySet<string> = new Set(["23505", "40001", "40P01"]);

/** Codes of the driver, and classes and codes of the server (appendix A of its documentation), that a later attempt may not get. */
const TRANSIENT: readonly RegExp[] = [
  /^CONNECT/,
  /^E(?:CONN|HOST|NET|PIPE|TIMEDOUT|NOTFOUND|AI_AGAIN)/,
  /^08/,
  /^57P0/,
  /^(?:53300|55P03|57014|25P03|25006)$/,
];

/** disk_full. */
const FULL: ReadonlySet<string> = new Set(["53100"]);

/** invalid_sql_statement_name, feature_not_supported of a plan with another result, datatype_mismatch of one with other columns. */
const OUTDATED: ReadonlySet<string> = new Set(["26000", "0A000", "42804"]);

/** A transaction was repeated, and another was faster each time. */
export class RepeatedConflictError extends StoreBusyError {}

/** Values or keys that the server refuses: data_exception, integrity_constraint_violation, program_limit_exceeded. */
const REFUSED = /^(?:22|23|54)/;

/** Whether a transaction may have failed for one of its writes, and was not committed. */
export function mayBeOfOneWrite(error: unknown): boolean {
  return error instanceof RepeatedConflictError || REFUSED.test(errorCode(error) ?? "");
}

/** Whether a connection has prepared statements that its session of the server does not have any more, or has for other tables. */
export function isOutdated(error: unknown): boolean {
  return OUTDATED.has(errorCode(error) ?? "");
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
  if (FULL.has(code)) return new StoreFullError(code, { cause: error });
  if (OUTDATED.has(code))
    return new StoreBusyError(`the statements of a connection were outdated (${code})`, { cause: error });
  if (TRANSIENT.some((pattern) => pattern.test(code)))
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
