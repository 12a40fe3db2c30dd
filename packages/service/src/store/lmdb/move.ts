import type { StoreFormat } from "../codec/format-row.ts";
import { FORMAT_KEY, formatColumns, keysOfStore, rowKeysOfStore } from "../codec/format-row.ts";
import type { ServiceKeys } from "../keys.ts";
import { StoreFormatError } from "../store.ts";
import type { ArrivingStore, DepartingStore } from "../transfer/move-store.ts";
import { PlaceTakenError } from "../transfer/move-store.ts";
import type { MovedTable, VerifiedRow } from "../transfer/stored-rows.ts";
import { NO_OWNER } from "../write-owner.ts";
import { finalizeCopy } from "./backup.ts";
import type { Commit, Environment } from "./environment.ts";
import { openEnvironment } from "./environment.ts";
import { openRows } from "./schema.ts";
import { putFirstRows, readFormat } from "./schema-version.ts";
import { createStoredRows, tableOf } from "./stored-rows.ts";
import { withUnusedEnvironment, WRITE_DEADLINE_MS } from "./unused-environment.ts";
import type { WriteTurn } from "./writer.ts";

/** Pages of LMDB are at least half full, and each write changes some more. */
const SPACE_FACTOR = 4;
const MIN_SPACE_BYTES = 512 * 1024;

/** What LMDB keeps for a row besides its key and its body. */
const ROW_BYTES = 64;

/**
 * Lets `use` read a store that is to be moved away. Meanwhile no other process can open it, or commit to it.
 *
 * @throws StoreFormatError if another process has it open, or if it was written with another service key.
 */
export function withDepartingStore<T>(
  directory: string,
  keys: ServiceKeys,
  use: (store: DepartingStore) => Promise<T>,
): Promise<T> {
  return withUnusedEnvironment(directory, (environment, commit) =>
    use(createDepartingStore(environment, keys, commit)),
  );
}

function createDepartingStore(environment: Environment, keys: ServiceKeys, commit: Commit): DepartingStore {
  const format = environment.snapshot(() => readFormat(environment, keys));
  if (format === undefined) throw new StoreFormatError("there is no store");
  const { meta } = openRows(environment.tables, keysOfStore(keys, format));
  return {
    format,
    pages: createStoredRows(environment).pages,
    markDeparture: (departure) => commit(() => meta.put(FORMAT_KEY, formatColumns({ ...format, departure }))),
  };
}

/** Reads the format of a store that other processes may use. */
export async function readStoreFormat(
  directory: string,
  keys: ServiceKeys,
): Promise<StoreFormat | undefined> {
  const environment = await openEnvironment(directory, WRITE_DEADLINE_MS);
  try {
    return environment.snapshot(() => readFormat(environment, keys));
  } finally {
    await environment.close();
  }
}

/**
 * Lets processes open the copy that a move has reserved. Changes nothing if they may.
 *
 * @throws PlaceTakenError if it is not there.
 */
export async function releaseStore(directory: string, keys: ServiceKeys, move: string): Promise<void> {
  const environment = await openEnvironment(directory, WRITE_DEADLINE_MS);
  try {
    await environment.write(() => {
      const present = readFormat(environment, keys);
      if (present?.arrival !== move) throw new PlaceTakenError();
      const { isReserved, ...released } = present;
      if (isReserved === true)
        openRows(environment.tables, rowKeysOfStore(keys, present)).meta.put(
          FORMAT_KEY,
          formatColumns(released),
        );
    });
  } finally {
    await environment.close();
  }
}

/** A store in a directory that no process knows, and how it becomes one that is served. */
export interface StagedStore {
  readonly directory: string;
  /** @throws PlaceTakenError if a store is in its place by now. */
  assertFree(): void;
  /** Called when the store is whole and on disk. */
  place(): Promise<void>;
}

/** Lets `fill` make a store. */
export async function withArrivingStore<T>(
  { directory, assertFree, place }: StagedStore,
  format: StoreFormat,
  keys: ServiceKeys,
  fill: (store: ArrivingStore) => Promise<T>,
): Promise<T> {
  const environment = await openEnvironment(directory, WRITE_DEADLINE_MS);
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) await environment.close();
    isOpen = false;
  };
  try {
    const { tables, write } = environment;
    const rows = openRows(tables, keysOfStore(keys, format));
    await write(() => putFirstRows(rows.meta, format));
    return await fill({
      pages: createStoredRows(environment).pages,
      put: (table, page) => write(() => putAll(environment, table, page), turnOf(page)),
      async prepare() {
        await close();
        await finalizeCopy(directory);
        assertFree();
      },
      commit: place,
    });
  } finally {
    await close();
  }
}

/** As they are, with their MACs. */
function putAll({ tables }: Environment, table: MovedTable, page: readonly VerifiedRow[]): void {
  for (const { key, body } of page) tableOf(tables, table).putSync(key, body);
}

function turnOf(page: readonly VerifiedRow[]): WriteTurn {
  const bytes = page.reduce((sum, { key, body }) => sum + key.length + body.length + ROW_BYTES, 0);
  return {
    class: "create",
    owner: NO_OWNER,
    cost: 1,
    requiredBytes: MIN_SPACE_BYTES + SPACE_FACTOR * bytes,
  };
}
