import { RecordTooNewError, StoreCorruptError } from "./store.ts";

/** What `read` returns; nothing if it met a record that is too new. For what must go on without such a record. */
export function skipTooNew<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    return undefinedIfTooNew(error);
  }
}

/** The same, also for a damaged record: for counts, which must not stop a revoke or a sweep. */
export function skipUnusable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof StoreCorruptError) return undefined;
    return undefinedIfTooNew(error);
  }
}

/** As {@link skipTooNew}, for what is read later: `read().catch(undefinedIfTooNew)`. */
export function undefinedIfTooNew(error: unknown): undefined {
  if (!(error instanceof RecordTooNewError)) throw error;
}
