import { ConfigError } from "../config-error.ts";
import { hasCode } from "../error-code.ts";
import type { MovePlace } from "../move-place.ts";
import { OtherServiceKeyError } from "../store/codec/format-row.ts";
import { SQLSTATE } from "../store/postgres/sqlstate.ts";
import {
  RecordTooNewError,
  StoreCorruptError,
  StoreFailedError,
  StoreFormatError,
  StoreFullError,
} from "../store/store.ts";
import type { Destination } from "../store/transfer/move-store.ts";
import { CopyDiffersError, MoveUnfinishedError, PlaceTakenError } from "../store/transfer/move-store.ts";
import type { MovedTable, StoredRows } from "../store/transfer/stored-rows.ts";
import { explainOpenError, explainWriting } from "./data-directory-checks.ts";
import { explainDatabaseError } from "./database-errors.ts";

/** Makes an error of a place name the flag that gave it, and say what to do. */
export function explainPlaceError(flag: "--from" | "--to", place: MovePlace, error: unknown): ConfigError {
  if (error instanceof ConfigError) return error;
  if (error instanceof MoveUnfinishedError) return unfinished(flag, place, error);
  const isOfCopy = error instanceof PlaceTakenError || error instanceof CopyDiffersError;
  return new ConfigError(`${isOfCopy ? "--to" : flag}: ${explain(place, error)}`, { cause: error });
}

/** Either place may be the one that is served: a repeated move finds out. */
function unfinished(flag: "--from" | "--to", place: MovePlace, error: MoveUnfinishedError): ConfigError {
  const { message } = explainPlaceError(flag, place, error.cause);
  return new ConfigError(`${message} (${error.message}: repeat it with the same flags)`, { cause: error });
}

function explain(place: MovePlace, error: unknown): string {
  if (isExplained(error)) return error.message;
  if (error instanceof RecordTooNewError)
    return "a newer program wrote a record: use that one, or a newer one, to move the store";
  if (place.engine === "postgres") {
    return hasCode(error, SQLSTATE.diskFull)
      ? "the disk of the server is full: free some space"
      : explainDatabaseError(place.settings, error);
  }
  const isWriting = error instanceof StoreFullError || error instanceof StoreFailedError;
  return isWriting ? explainWriting(place.data, error) : explainOpenError(place.data, error);
}

/** These errors tell the operator what to do. */
function isExplained(error: unknown): error is Error {
  return (
    error instanceof StoreFormatError ||
    error instanceof StoreCorruptError ||
    error instanceof PlaceTakenError ||
    error instanceof CopyDiffersError
  );
}

/** A destination whose errors name `--to`. What fails at the source within `receive` stays as it is. */
export function explainDestination(place: MovePlace, destination: Destination): Destination {
  const explained = async <T>(act: () => Promise<T>): Promise<T> => {
    try {
      return await act();
    } catch (error) {
      throw explainPlaceError("--to", place, error);
    }
  };
  return {
    place: destination.place,
    readFormat: () =>
      explained(() =>
        destination.readFormat().catch((error: unknown) => {
          if (!(error instanceof OtherServiceKeyError)) throw error;
          throw new PlaceTakenError(
            "there is a store already, which has another service key: name a place that has none",
          );
        }),
      ),
    release: (move) => explained(() => destination.release(move)),
    discard: (copy) => explained(() => destination.discard(copy)),
    async receive(format, fill) {
      let failure: { readonly error: unknown } | undefined;
      return explained(() =>
        destination.receive(format, async (store) => {
          try {
            return await fill({
              pages: (table) => explainPages(explained, store, table),
              put: (table, rows) => explained(() => store.put(table, rows)),
              prepare: () => explained(store.prepare),
              commit: () => explained(store.commit),
            });
          } catch (error) {
            failure = { error };
            throw error;
          }
        }),
      ).catch((error: unknown) => {
        throw failure === undefined ? error : failure.error;
      });
    },
  };
}

type Explained = <T>(act: () => Promise<T>) => Promise<T>;

async function* explainPages(
  explained: Explained,
  store: StoredRows,
  table: MovedTable,
): ReturnType<StoredRows["pages"]> {
  const pages = store.pages(table)[Symbol.asyncIterator]();
  for (;;) {
    const next = await explained(() => pages.next());
    if (next.done === true) return;
    yield next.value;
  }
}
