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

/** LMDB rejects a commit with an error that holds a promise of its cause. */
export async function commitErrorCode(error: unknown): Promise<string> {
  if (!(error instanceof Error) || !("commitError" in error)) return lmdbErrorCode(error) ?? "UNKNOWN";
  const { commitError } = error;
  try {
    await commitError;
  } catch (cause) {
    return lmdbErrorCode(cause) ?? "UNKNOWN";
  }
  return "UNKNOWN";
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
 * The name of an error of the operating system or of LMDB; nothing for an error of any other kind.
 *
 * Ends the process by an uncaught error if LMDB damaged its memory: it would be aborted at any later time, or continue with wrong data.
 */
export function lmdbErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "number") return undefined;
  const at = error.message.indexOf(UNWRITTEN_PAGES);
  if (at !== -1 && error.message.length - at > MAX_UNWRITTEN_PAGES_LENGTH)
    queueMicrotask(() => {
      throw new DamagedMemoryError(error.message);
    });
  return LMDB_CODES.get(error.code) ?? (error.code > 0 ? systemName(error.code) : `MDB_${-error.code}`);
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

function systemName(code: number): string {
  try {
    return getSystemErrorName(-code);
  } catch {
    return "UNKNOWN";
  }
}
