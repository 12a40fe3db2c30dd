import { existsSync } from "node:fs";
import type { EventLog } from "../telemetry/events.ts";
import type { DataConfig } from "../config.ts";
import { ConfigError } from "../config-error.ts";
import type { Store } from "../store/store.ts";
import type { StoredTenant } from "../store/record.ts";
import type { RecordChange } from "../management/changes.ts";
import { createChanges } from "../management/changes.ts";
import type { OperatorContext } from "../management/tenants.ts";
import {
  checkDataDirectory,
  dataPaths,
  keepDirectory,
  openDataDirectory,
  resolveAuthority,
  storePlace,
} from "./data-directory.ts";
import type { DataDirectory } from "./data-directory.ts";
import { explainStoreError } from "./database-place.ts";
import { quoteName } from "./escape.ts";
import type { Print } from "./print.ts";
import { checkEngine } from "./store-engine.ts";

/** What an operator's command needs of its process. */
export interface OperatorProcess {
  readonly print: Print;
  /** Where changes are recorded. */
  readonly log: Pick<EventLog, "operatorChange" | "changed" | "leftoverRemoved">;
}

/**
 * Opens an existing store, also while the service runs on it.
 *
 * @throws ConfigError if there is none: opening would make one in the current directory.
 */
export async function withStore<T>(config: DataConfig, act: (data: DataDirectory) => Promise<T>): Promise<T> {
  await assertStore(config);
  const named = { ...config, authority: await resolveAuthority(config) };
  const data = await openDataDirectory(named, { keepsDirectory: false });
  try {
    const result = await act(data);
    // Not before: a refused command writes nothing.
    if (config.postgres !== undefined) await keepDirectory(config);
    return result;
  } catch (error) {
    throw explainStoreError(config, error);
  } finally {
    await data.store.close();
  }
}

/** @throws ConfigError if there is no store. */
export async function assertStore(config: DataConfig): Promise<void> {
  checkEngine(config, dataPaths(config));
  if (await storePlace(config).exists()) return;
  // In a directory that this user may not read, a store seems to be missing.
  if (existsSync(config.data)) await checkDataDirectory(config);
  throw noStore(config);
}

function noStore({ data, postgres }: DataConfig): ConfigError {
  return postgres === undefined
    ? new ConfigError(
        `--data: there is no store in ${data}: name its directory with --data, or make it with "membrane init" or "membrane serve"`,
      )
    : new ConfigError(
        `--store: there is no store in the database ${postgres.settings.database}: name its database, or make it with "membrane init" or "membrane serve"`,
      );
}

/** @throws ConfigError if no tenant of this name is alive. */
export async function findTenant(
  store: Pick<Store, "tenants">,
  flag: string,
  name: string,
): Promise<StoredTenant> {
  const tenant = (await store.tenants()).find((candidate) => candidate.name === name);
  if (tenant !== undefined) return tenant;
  throw new ConfigError(`${flag}: there is no tenant ${quoteName(name)}; "membrane tenant list" shows them`);
}

/** Binds an open data directory to the command that changes it, so that each change is recorded under its name. */
export function asOperator(data: DataDirectory, command: string, record: RecordChange): OperatorContext {
  const { store, vault, authority } = data;
  return {
    store,
    vault,
    authority,
    changes: createChanges(store, record),
    actor: { kind: "operator", command },
  };
}
