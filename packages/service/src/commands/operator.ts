import { existsSync } from "node:fs";
import type { EventLog } from "../telemetry/events.ts";
import { fingerprintUid } from "../telemetry/fingerprint.ts";
import type { DataConfig } from "../config.ts";
import { ConfigError } from "../config.ts";
import type { Store } from "../store/store.ts";
import type { StoredTenant } from "../store/record.ts";
import type { Uid } from "../domain/uid.ts";
import { checkDataDirectory, dataPaths, resolveAuthority, openDataDirectory } from "./data-directory.ts";
import type { DataDirectory } from "./data-directory.ts";
import { quoteName } from "./escape.ts";
import type { Print } from "./print.ts";

/** What an operator's command needs of its process. */
export interface OperatorProcess {
  readonly print: Print;
  /** Where changes are recorded. */
  readonly log: Pick<EventLog, "operatorChange">;
}

/**
 * Opens an existing store, also while the service runs on it.
 *
 * @throws ConfigError if there is none: opening would make one in whatever directory the operator is in.
 */
export async function withStore<T>(config: DataConfig, act: (data: DataDirectory) => Promise<T>): Promise<T> {
  if (!existsSync(dataPaths(config).store)) {
    // A directory that this user may not look into hides its store.
    if (existsSync(config.data)) await checkDataDirectory(config);
    throw new ConfigError(
      `--data: there is no store in ${config.data}: name its directory with --data, or make it with "membrane init" or "membrane serve"`,
    );
  }
  const data = await openDataDirectory({ ...config, authority: await resolveAuthority(config) });
  try {
    return await act(data);
  } finally {
    await data.store.close();
  }
}

/** @throws ConfigError if no tenant of this name is alive. */
export async function findTenant(store: Store, flag: string, name: string): Promise<StoredTenant> {
  const tenant = (await store.tenants()).find((candidate) => candidate.name === name);
  if (tenant !== undefined) return tenant;
  throw new ConfigError(`${flag}: there is no tenant ${quoteName(name)}; "membrane tenant list" shows them`);
}

/**
 * Revokes a tenant or a membrane without a capability, and records that. Services on the store refuse from then on what
 * descends from it, and cut its open streams within a second.
 */
export async function revokeAsOperator(
  store: Store,
  log: OperatorProcess["log"],
  { command, tenant, membrane }: { readonly command: string; readonly tenant: Uid; readonly membrane?: Uid },
): Promise<void> {
  await store.revoke(membrane ?? tenant, "operator");
  log.operatorChange({
    command,
    tenant: fingerprintUid(tenant),
    ...(membrane === undefined ? {} : { membrane: fingerprintUid(membrane) }),
  });
}
