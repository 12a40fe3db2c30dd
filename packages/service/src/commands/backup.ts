import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, rm, rmdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Command } from "../command.ts";
import { ConfigError } from "../config-error.ts";
import { hasCode } from "../error-code.ts";
import { createFile, makePrivateDirectory } from "../private-files.ts";
import { adoptCopy, copyStore, hashCopy } from "../store/lmdb/backup.ts";
import { formatBackupDescription } from "./backup-description.ts";
import { rejectDatabaseBackup } from "./database-backup.ts";
import { explainWriting } from "./data-directory-checks.ts";
import { dataPaths } from "./data-directory.ts";
import type { OperatorProcess } from "./operator.ts";
import { withStore } from "./operator.ts";

type BackupCommand = Extract<Command, { name: "backup" }>;

/** Where the parts of a backup are. */
export function backupPaths(directory: string): { readonly store: string; readonly description: string } {
  return { store: join(directory, "store"), description: join(directory, "backup.json") };
}

/**
 * Copies the store, as it is at one moment, while the service may run. Neither the service key nor the private CA is copied,
 * so that a stolen backup opens nothing.
 *
 * @throws ConfigError if the directory is not empty.
 */
export async function backup(
  command: BackupCommand,
  { print, log, now }: OperatorProcess & { readonly now: Date },
): Promise<void> {
  rejectDatabaseBackup("backup", command.config);
  const directory = resolve(command.directory);
  const { store: from, serviceKey, tls } = dataPaths(command.config);
  // Closed again before it is copied: LMDB allows one open environment per file in a process.
  const { keys, authority } = await withStore(command.config, (data) => Promise.resolve(data), {
    command: "backup",
    log,
  });
  const isNew = await makeEmptyDirectory(directory);
  const to = backupPaths(directory);
  // Outside of the try block, which removes it after an error: a directory that exists by now is another backup's.
  await mkdir(to.store, { mode: 0o700 }).catch((cause: unknown) => {
    throw hasCode(cause, "EEXIST") ? notEmpty(directory) : explain(directory, cause);
  });
  try {
    await copyStore(from, to.store);
    await adoptCopy(to.store, keys);
    const description = { takenAt: now, authority, sha256: await hashCopy(to.store) };
    await createFile(to.description, formatBackupDescription(description), 0o600);
  } catch (cause) {
    await rm(to.store, { recursive: true, force: true });
    if (isNew) await rmdir(directory).catch(() => undefined);
    throw explain(directory, cause);
  }
  print(`Copied the store, as it was at ${now.toISOString()}, to ${directory}.`);
  print(
    `On purpose it does not hold the service key (${resolve(serviceKey)}), without which it cannot be restored.`,
  );
  if (existsSync(tls)) print(`Nor does it hold the private CA that clients trust (${resolve(tls)}).`);
  print("Copy these once, to a place apart from the backups.");
}

function notEmpty(directory: string): ConfigError {
  return new ConfigError(
    `backup: ${directory} is not empty: name a directory that is empty or does not exist yet`,
  );
}

/** Names the directory, and why the copy failed. */
function explain(directory: string, cause: unknown): ConfigError {
  return new ConfigError(`backup: ${explainWriting(directory, cause)}`, { cause });
}

/** @returns whether the directory was made. */
async function makeEmptyDirectory(directory: string): Promise<boolean> {
  const present = await readdir(directory).catch((cause: unknown) => {
    if (hasCode(cause, "ENOENT")) return undefined;
    throw new ConfigError(`backup: ${directory} is not a directory that this user may read`, { cause });
  });
  if (present !== undefined && present.length > 0) {
    throw notEmpty(directory);
  }
  try {
    await makePrivateDirectory(directory);
    await chmod(directory, 0o700);
  } catch (cause) {
    throw new ConfigError(`backup: ${directory} cannot be made, or does not belong to this user`, { cause });
  }
  return present === undefined;
}
