import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Command } from "../command.ts";
import { ConfigError } from "../config.ts";
import { hasCode } from "../error-code.ts";
import { createFile, makePrivateDirectory } from "../private-files.ts";
import { adoptCopy, copyStore } from "../store/lmdb/backup.ts";
import { formatBackupDescription } from "./backup-description.ts";
import { dataPaths } from "./data.ts";
import type { OperatorMachine } from "./operator.ts";
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
  { print, now }: Pick<OperatorMachine, "print"> & { readonly now: Date },
): Promise<void> {
  const directory = resolve(command.directory);
  const { store: from, serviceKey, tls } = dataPaths(command.config);
  // Closed again before it is copied: LMDB allows one open environment per file in a process.
  const { keys, authority } = await withStore(command.config, (data) => Promise.resolve(data));
  const isNew = await makeEmptyDirectory(directory);
  const to = backupPaths(directory);
  try {
    await mkdir(to.store, { mode: 0o700 });
    await copyStore(from, to.store);
    await adoptCopy(to.store, keys);
    await createFile(to.description, formatBackupDescription({ takenAt: now, authority }), 0o600);
  } catch (error) {
    await rm(isNew ? directory : to.store, { recursive: true, force: true });
    throw error;
  }
  print(`Copied the store, as it was at ${now.toISOString()}, to ${directory}.`);
  print(
    `Not in it, on purpose: the service key (${resolve(serviceKey)}), without which it cannot be restored.`,
  );
  if (existsSync(tls)) print(`Neither is the private CA that clients trust (${resolve(tls)}).`);
  print("Copy these once, to another place than the backups.");
}

/** @returns whether the directory was made. */
async function makeEmptyDirectory(directory: string): Promise<boolean> {
  const present = await readdir(directory).catch((cause: unknown) => {
    if (hasCode(cause, "ENOENT")) return undefined;
    throw new ConfigError(`backup: ${directory} is no directory that this user may read`, { cause });
  });
  if (present !== undefined && present.length > 0) {
    throw new ConfigError(
      `backup: ${directory} holds something: name a directory that is empty, or is not there yet`,
    );
  }
  try {
    await makePrivateDirectory(directory);
    await chmod(directory, 0o700);
  } catch (cause) {
    throw new ConfigError(`backup: ${directory} cannot be made, or is not this user's`, { cause });
  }
  return present === undefined;
}
