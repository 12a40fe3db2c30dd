import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { DataConfig } from "../config.ts";
import type { OperatorContext } from "../management/tenants.ts";
import type { ServiceKeys } from "../store/keys.ts";
import { createServiceKeys } from "../store/keys.ts";
import { openLmdbStore } from "../store/lmdb/lmdb-store.ts";
import { createServiceKeyFile, readServiceKeyFile } from "../store/service-key-file.ts";
import { createVault } from "../store/vault.ts";
import { makePrivateDirectory } from "../private-files.ts";

/** An open data directory. */
export interface OpenData extends OperatorContext {
  readonly keys: ServiceKeys;
}

/** Where the parts of a data directory are. */
export function dataPaths(config: DataConfig): {
  readonly store: string;
  readonly serviceKey: string;
  readonly tls: string;
} {
  return {
    store: join(config.data, "store"),
    serviceKey: config.serviceKeyFile ?? join(config.data, "service.key"),
    tls: join(config.data, "tls"),
  };
}

/** Opens the data directory, and makes it at the first start. The key is on disk before anything is sealed with it. */
export async function openData(config: DataConfig): Promise<OpenData> {
  const paths = dataPaths(config);
  await makePrivateDirectory(config.data);
  // A store without its key must not get a new one: it would hide that the old one is missing.
  if (!existsSync(paths.store)) await createServiceKeyFile(paths.serviceKey, randomBytes);
  const keys = createServiceKeys(await readServiceKeyFile(paths.serviceKey));
  const store = await openLmdbStore({
    directory: paths.store,
    keys,
    lineageLimit: config.limits.lineageNodes,
    writerDeadlineMs: config.limits.writerDeadlineMs,
  });
  return { keys, store, vault: createVault(store, keys, randomBytes), authority: config.authority };
}
