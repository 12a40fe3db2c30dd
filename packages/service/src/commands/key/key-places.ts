import type { DataConfig } from "../../config.ts";
import { ConfigError } from "../../config-error.ts";
import type { ServiceKeys } from "../../store/keys.ts";
import type { KeyUsage, UnusedStore } from "../../store/rotation/unused-store.ts";
import type { StoreFormat } from "../../store/codec/format-row.ts";
import { ServiceKeyFileError } from "../../store/service-key-file.ts";
import { StoreFailedError, StoreFullError } from "../../store/store.ts";
import { explainOpenError, explainWriting } from "../data-directory-checks.ts";
import { dataPaths } from "../data-directory.ts";
import { withDatabase } from "../database-place.ts";
import { isExplained } from "../store-place.ts";

/** What a store says of the keys that it needs. */
export interface NeededKeys {
  readonly format: StoreFormat;
  readonly usage: KeyUsage;
}

/** Lets `use` change which keys a store needs, while no process serves it. */
export function withUnusedStore<T>(
  config: DataConfig,
  keys: ServiceKeys,
  use: (store: UnusedStore) => Promise<T>,
): Promise<T> {
  const { postgres } = config;
  if (postgres === undefined)
    return inDirectory(config, async (directory) => {
      const { withUnusedStore: withUnused } = await import("../../store/lmdb/rotation.ts");
      return withUnused(directory, keys, use);
    });
  return withDatabase(postgres, async (connection) => {
    const { withUnusedStore: withUnused } = await import("../../store/postgres/rotation/unused-store.ts");
    return withUnused(connection, keys, use);
  });
}

/** Reads which keys a store needs, while processes may serve it. */
export function readNeededKeys(config: DataConfig, keys: ServiceKeys): Promise<NeededKeys> {
  const { postgres } = config;
  if (postgres === undefined)
    return inDirectory(config, async (directory) => {
      const { readKeyUsage } = await import("../../store/lmdb/rotation.ts");
      return readKeyUsage(directory, keys);
    });
  return withDatabase(postgres, async (connection) => {
    const { readKeyUsage } = await import("../../store/postgres/rotation/unused-store.ts");
    return readKeyUsage(connection, keys);
  });
}

async function inDirectory<T>(config: DataConfig, use: (directory: string) => Promise<T>): Promise<T> {
  const { store } = dataPaths(config);
  try {
    return await use(store);
  } catch (error) {
    if (isExplained(error) || error instanceof ServiceKeyFileError) throw error;
    const isWriting = error instanceof StoreFullError || error instanceof StoreFailedError;
    const problem = isWriting ? explainWriting(store, error) : explainOpenError(store, error);
    throw new ConfigError(`--data: ${problem}`, { cause: error });
  }
}
