import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Authority } from "capability-protocol";
import { parseAuthority } from "capability-protocol";
import type { DataConfig } from "../config.ts";
import { ConfigError } from "../config-error.ts";
import type { OpenAudit } from "../audit/open-audit.ts";
import type { ServiceKeys } from "../store/keys.ts";
import { createKeyring } from "../store/keys.ts";
import type { StoreDurations } from "../store/metered-engine.ts";
import { meterEngine } from "../store/metered-engine.ts";
import { createStore } from "../store/operations/create-store.ts";
import { createServiceKeyFile, readServiceKeyFile } from "../store/service-key-file.ts";
import type { Store } from "../store/store.ts";
import type { Vault } from "../store/vault.ts";
import { createVault } from "../store/vault.ts";
import { wallClock } from "../wall-clock.ts";
import { findDirectoryProblem } from "./data-directory-checks.ts";
import { databasePlace } from "./database-place.ts";
import type { OpenEngine } from "./directory-place.ts";
import { directoryPlace } from "./directory-place.ts";
import { checkEngine, checkNewStore, saveEngine } from "./store-engine.ts";
import type { StoreLog, StorePlace } from "./store-place.ts";
import { makePrivateDirectory, readIfPresent, replaceFile } from "../private-files.ts";

/** An open data directory. */
export interface DataDirectory {
  readonly store: Store;
  readonly vault: Vault;
  readonly authority: Authority;
  /** Those that the store needs. */
  readonly keys: ServiceKeys;
  /** The audit trail; absent if there is none, or before it is open. */
  readonly audit?: OpenAudit | undefined;
}

const NO_LOG: StoreLog = {
  storeStateChanged: () => undefined,
  recordTooNew: () => undefined,
  revocationsLost: () => undefined,
};

/** Where the parts of a data directory are. */
export function dataPaths(config: Pick<DataConfig, "data" | "serviceKeyFile">): {
  readonly store: string;
  readonly serviceKey: string;
  readonly tls: string;
  readonly authority: string;
  readonly engine: string;
  readonly firstCapabilities: string;
} {
  return {
    store: join(config.data, "store"),
    serviceKey: config.serviceKeyFile ?? join(config.data, "service.key"),
    tls: join(config.data, "tls"),
    authority: join(config.data, "authority"),
    engine: join(config.data, "engine"),
    firstCapabilities: join(config.data, "first-capabilities.json"),
  };
}

/**
 * Checks where the data directory is, or will be made, and writes nothing.
 *
 * @param flag the one that names it.
 * @throws ConfigError that says why it cannot be there.
 */
export async function checkDataDirectory(
  config: Pick<DataConfig, "data" | "serviceKeyFile">,
  flag = "--data",
): Promise<void> {
  const problem = await findDirectoryProblem(config.data, dataPaths(config));
  if (problem !== undefined) throw new ConfigError(`${flag}: ${problem}`);
}

/** Where the store of a configuration is: in its data directory, or in a database that other nodes share. */
export function storePlace(
  config: Pick<DataConfig, "data" | "serviceKeyFile" | "postgres">,
  openDirectory?: OpenEngine,
): StorePlace {
  const { postgres } = config;
  return postgres === undefined
    ? directoryPlace(dataPaths(config).store, openDirectory)
    : databasePlace(postgres);
}

export interface OpenOptions {
  /** Whether this process serves; default: it does not. */
  readonly serves?: boolean;
  /**
   * Whether the data directory of a database is made, and remembers where its store is; default: it is. A new store makes it always,
   * for its key.
   */
  readonly keepsDirectory?: boolean;
  readonly log?: StoreLog;
  /** Measures what the store takes. */
  readonly durations?: StoreDurations;
  /** Opens a store that is in the data directory. Default: LMDB. */
  readonly openDirectory?: OpenEngine;
  readonly now?: () => number;
}

/** Opens the data directory with its store, and makes both at the first start. The key is on disk before anything is sealed with it. */
export async function openDataDirectory(
  config: Omit<DataConfig, "isAuthoritySet" | "aliases">,
  {
    serves = false,
    keepsDirectory = true,
    log = NO_LOG,
    durations,
    openDirectory,
    now = wallClock,
  }: OpenOptions = {},
): Promise<DataDirectory> {
  const { limits, authority } = config;
  const paths = dataPaths(config);
  await checkDataDirectory(config);
  checkEngine(config, paths);
  const place = storePlace(config, openDirectory);
  const isNew = !(await place.exists());
  if (isNew) {
    checkNewStore(config, paths);
    await place.checkNew();
  } else checkServiceKey(config, place.name);
  if (isNew || keepsDirectory) await makeDirectory(config);
  // A store without its key gets no new one, which would hide that the old one is missing.
  if (isNew) await createServiceKeyFile(paths.serviceKey, randomBytes);
  const engine = await place.open({
    keys: createKeyring(await readServiceKeyFile(paths.serviceKey)),
    serves,
    log,
    limits,
  });
  const { keys } = engine;
  const metered = durations === undefined ? engine : meterEngine(engine, durations, () => performance.now());
  const store = createStore(metered, limits, now);
  if (keepsDirectory) await saveEngine(config, paths);
  return { keys, store, vault: createVault(store, keys, randomBytes), authority };
}

/** Makes the data directory of a command that has done its work, and remembers there where the store is. */
export async function keepDirectory(config: Pick<DataConfig, "data" | "postgres">): Promise<void> {
  await makeDirectory(config);
  await saveEngine(config, dataPaths(config));
}

async function makeDirectory({ data }: Pick<DataConfig, "data">): Promise<void> {
  await makePrivateDirectory(data).catch((cause: unknown) => {
    throw new ConfigError(
      `--data: ${data} cannot be made: expected a directory that this user may write to`,
      { cause },
    );
  });
}

/** @throws ConfigError on a new node that has no key of a database's store: it is in the data directories of the others. */
function checkServiceKey(
  config: Pick<DataConfig, "data" | "serviceKeyFile" | "postgres">,
  name: string,
): void {
  const { serviceKey } = dataPaths(config);
  if (config.postgres === undefined || existsSync(serviceKey)) return;
  throw new ConfigError(
    `--service-key-file: ${name} has a store, and ${serviceKey} with its service key is missing: copy it from another node or from its backup, with the mode 0600, or name its file`,
  );
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
