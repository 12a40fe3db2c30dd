import { existsSync } from "node:fs";
import { ConfigError } from "../config-error.ts";
import { makePrivateDirectory } from "../private-files.ts";
import type { Engine } from "../store/engine.ts";
import type { LmdbEngineOptions } from "../store/lmdb/engine.ts";
import { explainOpenError } from "./data-directory-checks.ts";
import type { StorePlace } from "./store-place.ts";
import { isExplained, reportsTo } from "./store-place.ts";

/** Opens the engine that keeps the store in a directory. */
export type OpenEngine = (options: LmdbEngineOptions) => Promise<Engine>;

/** A store in a directory. */
export function directoryPlace(directory: string, openEngine: OpenEngine = openLmdb): StorePlace {
  return {
    name: directory,
    exists: () => Promise.resolve(existsSync(directory)),
    // The data directory, where it will be, has been checked.
    checkNew: () => Promise.resolve(),
    async open({ keys, log, limits }) {
      // LMDB would make it with the mode that the umask leaves.
      await makePrivateDirectory(directory);
      return openEngine({
        directory,
        keys,
        writeTimeoutMs: limits.storeWriteTimeoutMs,
        reserveBytes: limits.storeReserveBytes,
        ...reportsTo(log),
      }).catch((error: unknown) => {
        if (isExplained(error)) throw error;
        throw new ConfigError(`--data: ${explainOpenError(directory, error)}`, { cause: error });
      });
    },
  };
}

/** A node that shares a database does not load LMDB, which a machine may have no binary of. */
const openLmdb: OpenEngine = async (options) => {
  const { openLmdbEngine } = await import("../store/lmdb/engine.ts");
  return openLmdbEngine(options);
};
