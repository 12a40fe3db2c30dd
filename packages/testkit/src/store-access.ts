import { join } from "node:path";
import { openEnvironment } from "../../service/src/store/lmdb/environment.ts";
import type { EngineName } from "./engines.ts";
import { databaseOf, useConnection } from "./postgres-engine.ts";
import { openRawPostgres } from "./raw-postgres.ts";
import type { RawStore } from "./raw-store.ts";
import { openRawStore } from "./raw-store.ts";

/** How tests get at what an engine has stored, behind its back. */
export interface StoreAccess {
  /** @param data the data directory; the store may be open at the same time. */
  openRaw(data: string): Promise<RawStore>;
  /** Removes all counts. The store must be closed. */
  dropCounts(data: string): Promise<void>;
}

const LMDB_ACCESS: StoreAccess = {
  openRaw: openRawStore,
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
    async dropCounts(data) {
      await useConnection(await databaseOf(join(data, "store")), (connection) =>
        connection.query("DELETE FROM membrane.count"),
      );
    },
  },
};
