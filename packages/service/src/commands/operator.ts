import { existsSync } from "node:fs";
import { createChangeAudit, unavailable } from "../audit/change-audit.ts";
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
import type { TrailLog } from "./process-audit.ts";
import { openConfiguredAudit } from "./process-audit.ts";
import { checkEngine } from "./store-engine.ts";

/** What an operator's command needs of its process. */
export interface OperatorProcess {
  readonly print: Print;
  /** Where changes are recorded. */
  readonly log: Pick<EventLog, "operatorChange" | "changed" | "leftoverRemoved"> & TrailLog;
}

/** A command on a store, for the audit trail. */
export interface AuditedCommand extends Pick<OperatorProcess, "log"> {
  readonly command: string;
  /** It has ended already, so that it is too late to refuse it. Default: it begins. */
  readonly isDone?: true;
}

/**
 * Opens an existing store, even while the service runs on it.
 *
 * @param audited the command, which the audit trail records; absent for one that only verifies the trail.
 * @throws ConfigError if there is none: opening would make one in the current directory.
 */
export async function withStore<T>(
  config: DataConfig,
  act: (data: DataDirectory) => Promise<T>,
  audited?: AuditedCommand,
): Promise<T> {
  await assertStore(config);
  const named = { ...config, authority: await resolveAuthority(config) };
  const data = await openDataDirectory(named, { keepsDirectory: false });
  try {
    const result = await withAudit(config, data, audited, act);
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

/**
 * Lets a command use an open store, and records it before.
 *
 * @throws AuditUnavailableError if it cannot be recorded, and must be; never for a command that revokes, or has ended.
 */
export async function withAudit<T>(
  config: Pick<DataConfig, "audit">,
  data: DataDirectory,
  audited: AuditedCommand | undefined,
  act: (data: DataDirectory) => Promise<T>,
): Promise<T> {
  const audit = audited && (await openConfiguredAudit(config, data, audited.log));
  if (audited === undefined || audit === undefined) return act(data);
  try {
    const kind = REVOKING.has(audited.command) ? "revoke" : "other";
    audit.writer.record("command", { command: audited.command }, kind);
    const mayProceed = config.audit?.isRequired !== true || kind === "revoke" || audited.isDone === true;
    if (!audit.writer.flush() && !mayProceed) throw unavailable();
    return await act({ ...data, audit });
  } finally {
    await audit.close();
  }
}

/** Records a command that has changed the store as a whole, while no other process could open it. */
export async function recordCommand(config: DataConfig, audited: AuditedCommand): Promise<void> {
  if (config.audit === undefined) return;
  await withStore(config, () => Promise.resolve(), { ...audited, isDone: true });
}

/** Commands that must work although they cannot be recorded. */
const REVOKING: ReadonlySet<string> = new Set(["tenant delete", "membrane revoke", "leaked"]);

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

const monotonic = (): number => performance.now();

/** Binds an open data directory to the command that changes it, so that each change is recorded under its name. */
export function asOperator(data: DataDirectory, command: string, record: RecordChange): OperatorContext {
  const { store, vault, authority } = data;
  return {
    store,
    vault,
    authority,
    changes: createChanges(store, record, data.audit && createChangeAudit({ ...data.audit, monotonic })),
    actor: { kind: "operator", command },
  };
}
