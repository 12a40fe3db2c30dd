import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Authority } from "capability-protocol";
import { parseAuthority } from "capability-protocol";
import type { DataConfig } from "../config.ts";
import { ConfigError } from "../config-error.ts";
import type { ServiceKeys } from "../store/keys.ts";
import { createServiceKeys } from "../store/keys.ts";
import type { Engine } from "../store/engine.ts";
import type { LmdbEngineOptions } from "../store/lmdb/engine.ts";
import { openLmdbEngine } from "../store/lmdb/engine.ts";
import { createStore } from "../store/operations/create-store.ts";
import { createServiceKeyFile, readServiceKeyFile } from "../store/service-key-file.ts";
import type { Store } from "../store/store.ts";
import type { Vault } from "../store/vault.ts";
import { createVault } from "../store/vault.ts";
import { wallClock } from "../wall-clock.ts";
import type { EventLog } from "../telemetry/events.ts";
import { fingerprint } from "../telemetry/fingerprint.ts";
import { StoreCorruptError, StoreFormatError } from "../store/store.ts";
import { explainOpenError, findDirectoryProblem } from "./data-directory-checks.ts";
import { makePrivateDirectory, readIfPresent, replaceFile } from "../private-files.ts";

/** An open data directory. */
export interface DataDirectory {
  readonly store: Store;
  readonly vault: Vault;
  readonly authority: Authority;
  readonly keys: ServiceKeys;
}

/** What an open store reports. */
export type StoreLog = Pick<EventLog, "storeStateChanged" | "recordTooNew">;

const NO_LOG: StoreLog = { storeStateChanged: () => undefined, recordTooNew: () => undefined };

/** Where the parts of a data directory are. */
export function dataPaths(config: Pick<DataConfig, "data" | "serviceKeyFile">): {
  readonly store: string;
  readonly serviceKey: string;
  readonly tls: string;
  readonly authority: string;
  readonly firstCapabilities: string;
} {
  return {
    store: join(config.data, "store"),
    serviceKey: config.serviceKeyFile ?? join(config.data, "service.key"),
    tls: join(config.data, "tls"),
    authority: join(config.data, "authority"),
    firstCapabilities: join(config.data, "first-capabilities.json"),
  };
}

/**
 * Checks where the data directory is, or will be made, and writes nothing.
 *
 * @throws ConfigError that says why it cannot be there.
 */
export async function checkDataDirectory(config: Pick<DataConfig, "data" | "serviceKeyFile">): Promise<void> {
  const problem = await findDirectoryProblem(config.data, dataPaths(config));
  if (problem !== undefined) throw new ConfigError(`--data: ${problem}`);
}

/** Opens the engine that keeps the store. */
export type OpenEngine = (options: LmdbEngineOptions) => Promise<Engine>;

/** Opens the data directory, and makes it at the first start. The key is on disk before anything is sealed with it. */
export async function openDataDirectory(
  config: Omit<DataConfig, "isAuthoritySet" | "aliases">,
  log: StoreLog = NO_LOG,
  openEngine: OpenEngine = openLmdbEngine,
  now: () => number = wallClock,
): Promise<DataDirectory> {
  const paths = dataPaths(config);
  await checkDataDirectory(config);
  await makePrivateDirectory(config.data).catch((cause: unknown) => {
    throw new ConfigError(
      `--data: ${config.data} cannot be made: expected a directory that this user may write to`,
      { cause },
    );
  });
  // A store without its key gets no new one, which would hide that the old one is missing.
  if (!existsSync(paths.store)) await createServiceKeyFile(paths.serviceKey, randomBytes);
  const keys = createServiceKeys(await readServiceKeyFile(paths.serviceKey));
  // LMDB would make it with the mode that the umask leaves.
  await makePrivateDirectory(paths.store);
  const engine = await openEngine({
    directory: paths.store,
    keys,
    writeTimeoutMs: config.limits.storeWriteTimeoutMs,
    reserveBytes: config.limits.storeReserveBytes,
    report: log.storeStateChanged,
    onRecordTooNew: (record) => log.recordTooNew({ record: fingerprint(record) }),
  }).catch((error: unknown) => {
    if (error instanceof StoreFormatError || error instanceof StoreCorruptError) throw error;
    throw new ConfigError(`--data: ${explainOpenError(paths.store, error)}`, { cause: error });
  });
  const store = createStore(engine, config.limits, now);
  return { keys, store, vault: createVault(store, keys, randomBytes), authority: config.authority };
}

/** Stores the service's authority, so that commands on the same data directory print URIs that lead to it. */
export async function saveAuthority(config: DataConfig): Promise<void> {
  const path = dataPaths(config).authority;
  const text = `${config.authority}\n`;
  // Unchanged, it is not written: a start on a full disk must serve.
  if ((await readIfPresent(path)) !== text) await replaceFile(path, text, 0o644);
}

/** The authority that was last served from this data directory. */
export async function lastAuthority(config: DataConfig): Promise<Authority | undefined> {
  return parseAuthority(((await readIfPresent(dataPaths(config).authority)) ?? "").trim());
}

/** The authority that the operator gave, otherwise the one that was served last. */
export async function resolveAuthority(config: DataConfig): Promise<Authority> {
  if (config.isAuthoritySet) return config.authority;
  return (await lastAuthority(config)) ?? config.authority;
}
