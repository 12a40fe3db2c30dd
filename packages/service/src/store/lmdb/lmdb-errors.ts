import { getSystemErrorMap, getSystemErrorName } from "node:util";
import { StoreFailedError, StoreFullError } from "../store.ts";

/** Codes of LMDB's own that mean that there is no room: the map, or the pages that one transaction may change. */
const LMDB_CODES: ReadonlyMap<number, string> = new Map([
  [-30792, "MDB_MAP_FULL"],
  [-30788, "MDB_TXN_FULL"],
]);

/** EFBIG: over the largest size of a file that the process may write (RLIMIT_FSIZE). */
const FULL_CODES: ReadonlySet<string> = new Set([
  "ENOSPC",
  "EDQUOT",
  "EFBIG",
  "MDB_MAP_FULL",
  "MDB_TXN_FULL",
]);

export function isFullCode(code: string): boolean {
  return FULL_CODES.has(code);
}

/** Why a commit failed: LMDB rejects one with an error that holds a promise of its cause. */
export async function causeOfCommit(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !("commitError" in error)) return error;
  const { commitError } = error;
  try {
    await commitError;
  } catch (cause) {
    return cause;
  }
  return undefined;
}

export async function commitErrorCode(error: unknown): Promise<string> {
  return lmdbErrorCode(await causeOfCommit(error)) ?? "UNKNOWN";
}

/** The name of an error of the operating system or of LMDB; nothing for an error of any other kind. */
export function lmdbErrorCode(error: unknown): string | undefined {
  if (!isNumbered(error)) return undefined;
  return LMDB_CODES.get(error.code) ?? (error.code > 0 ? systemName(error.code) : `MDB_${-error.code}`);
}

/**
 * Where LMDB says in a message which pages it could not write. It has 100 bytes for that and does not check the length (lmdb 3.5.6);
 * allocators give it 104, the last one for NUL.
 */
const UNWRITTEN_PAGES = "Attempting to write page at ";
const MAX_UNWRITTEN_PAGES_LENGTH = 103;

/** LMDB wrote beyond the buffer of a message: what is stored next to it is damaged. */
class DamagedMemoryError extends Error {
  override readonly name = "DamagedMemoryError";
}

/**
 * Ends the process by an uncaught error if the error of a write shows that LMDB damaged its memory: it would be aborted at any later
 * time, or continue with wrong data.
 */
export function endIfMemoryIsDamaged(error: unknown): void {
  if (!isNumbered(error)) return;
  const at = error.message.indexOf(UNWRITTEN_PAGES);
  if (at === -1 || error.message.length - at <= MAX_UNWRITTEN_PAGES_LENGTH) return;
  queueMicrotask(() => {
    throw new DamagedMemoryError(error.message);
  });
}

/** Whether an error is of LMDB, or of the operating system through it. */
function isNumbered(error: unknown): error is Error & { readonly code: number } {
  return error instanceof Error && "code" in error && typeof error.code === "number";
}

/** The error of a copy, of which LMDB gives the system's text alone. */
export function errorOfCopy(error: unknown): StoreFullError | StoreFailedError {
  const text = error instanceof Error ? error.message : "unknown";
  const known = [...getSystemErrorMap().values()].find(
    ([, description]) => description.toLowerCase() === text.toLowerCase(),
  );
  return storeErrorOf(known?.[0] ?? text);
}

export function storeErrorOf(code: string): StoreFullError | StoreFailedError {
  return isFullCode(code) ? new StoreFullError(code) : new StoreFailedError(code);
}

/** An error of LMDB or of the operating system as one of the store; any other error as it is. */
export function toStoreError(error: unknown): unknown {
  const code = lmdbErrorCode(error);
  return code === undefined ? error : storeErrorOf(code);
}

function systemName(code: number): string {
  try {
    return getSystemErrorName(-code);
  } catch {
    return "UNKNOWN";
  }
}
