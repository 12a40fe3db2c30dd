import { join } from "node:path";
import { openEnvironment } from "../../service/src/store/lmdb/environment.ts";
import type { EngineName } from "./engines.ts";
import { engineOfRun } from "./engines.ts";
import { databaseOf, useConnection } from "./postgres-engine.ts";
import { openRawLmdb } from "./raw-lmdb.ts";
import { openRawPostgres } from "./raw-postgres.ts";
import type { RawStore } from "./raw-store.ts";
import type { WriteLock } from "./write-lock.ts";
import { holdLmdbWriteLock, holdPostgresWriteLock } from "./write-lock.ts";

/** How tests get at what an engine has stored, behind its back. */
export interface StoreAccess {
  /** @param data the data directory; the store may be open at the same time. */
  openRaw(data: string): Promise<RawStore>;
  /** Removes all counts. The store must be closed. */
  dropCounts(data: string): Promise<void>;
  /** Keeps the store from writing uses and creations. */
  holdWriteLock(data: string): Promise<WriteLock>;
}

const LMDB_ACCESS: StoreAccess = {
  openRaw: openRawLmdb,
  holdWriteLock: holdLmdbWriteLock,
  async dropCounts(data) {
    const environment = await openEnvironment(join(data, "store"), 2_000);
    await environment.write(() => environment.tables.counts.clearSync());
    await environment.close();
  },
};

export const STORE_ACCESS: Readonly<Record<EngineName, StoreAccess>> = {
  lmdb: LMDB_ACCESS,
  late: LMDB_ACCESS,
  postgres: {
    openRaw: openRawPostgres,
    holdWriteLock: holdPostgresWriteLock,
    async dropCounts(data) {
      await useConnection(await databaseOf(join(data, "store")), (connection) =>
        connection.query("DELETE FROM membrane.count"),
      );
    },
  },
};

/** Opens the rows of a service's store, in the engine of the run. */
export function openRawStore(data: string): Promise<RawStore> {
  return STORE_ACCESS[engineOfRun()].openRaw(data);
}

/** Keeps the store of a service from writing, in the engine of the run. */
export function holdWriteLock(data: string): Promise<WriteLock> {
  return STORE_ACCESS[engineOfRun()].holdWriteLock(data);
}
