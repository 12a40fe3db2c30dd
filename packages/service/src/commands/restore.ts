import { lstatSync } from "node:fs";
import { copyFile, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Command } from "../command.ts";
import { ConfigError } from "../config-error.ts";
import { hasCode } from "../error-code.ts";
import { makePrivateDirectory, readIfPresent, replaceFile, syncDirectory } from "../private-files.ts";
import { createKeyring } from "../store/keys.ts";
import { adoptCopy, hashCopy } from "../store/lmdb/backup.ts";
import { DATA_FILE } from "../store/lmdb/files.ts";
import { readServiceKeyFile } from "../store/service-key-file.ts";
import type { BackupDescription } from "./backup-description.ts";
import { parseBackupDescription } from "./backup-description.ts";
import { backupPaths } from "./backup.ts";
import { rejectDatabaseBackup } from "./database-backup.ts";
import { explainWriting } from "./data-directory-checks.ts";
import { dataPaths } from "./data-directory.ts";
import type { OperatorProcess } from "./operator.ts";
import { recordCommand } from "./operator.ts";
import { checkAuditFile } from "./process-audit.ts";
import { forgetEngine } from "./store-engine.ts";
import { makeStagedStore, removeAbandonedStores } from "./staged-store.ts";

type RestoreCommand = Extract<Command, { name: "restore" }>;

/**
 * Puts the store of a backup into a data directory that has none.
 *
 * @throws ConfigError if it has one, or if the backup is not whole.
 * @throws ServiceKeyFileError, StoreFormatError if the service key is not there, or is not the one of the backup.
 */
export async function restore(
  command: RestoreCommand,
  { print, log, now }: OperatorProcess & { readonly now: Date },
): Promise<void> {
  rejectDatabaseBackup("restore", command.config);
  checkAuditFile(command.config);
  const from = backupPaths(resolve(command.directory));
  const { data } = command.config;
  const { store, serviceKey, authority, engine } = dataPaths(command.config);
  const description = await readDescription(from.description, command.directory);
  if (isTaken(store)) throw taken(data, store);
  const keys = createKeyring(await readServiceKeyFile(serviceKey));
  await makePrivateDirectory(data);
  // First: an abandoned copy takes as much space as the new one needs.
  for (const path of await removeAbandonedStores(data, now)) log.leftoverRemoved({ path });
  const staged = await makeStagedStore(data);
  try {
    await copyWhole(from.store, staged, description);
    await adoptCopy(staged, keys);
    await replaceFile(authority, `${description.authority}\n`, 0o644);
    await rename(staged, store).catch((cause: unknown) => {
      throw isTaken(store) ? taken(data, store, cause) : cause;
    });
    await forgetEngine({ engine });
    await syncDirectory(data);
  } finally {
    await rm(staged, { recursive: true, force: true });
  }
  log.operatorChange({ command: "restore" });
  // In the store that it has made: no other one is open.
  await recordCommand(command.config, { command: "restore", log });
  report(description).forEach(print);
}

function taken(data: string, store: string, cause?: unknown): ConfigError {
  return new ConfigError(
    `--data: there is a store in ${data}, and restore overwrites none: stop the service, move ${store} away, and restore again`,
    { cause },
  );
}

/** Whether the name is taken, also by a link that leads nowhere. */
function isTaken(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/**
 * Copies the data file and checks the copy before LMDB opens it: LMDB takes an empty file for a new store, reads a short one as
 * far as it goes, and ends the process where a page is missing.
 *
 * @throws ConfigError if it is not the file that the backup made.
 */
async function copyWhole(from: string, to: string, { sha256 }: BackupDescription): Promise<void> {
  const path = join(from, DATA_FILE);
  await copyFile(path, join(to, DATA_FILE)).catch((cause: unknown) => {
    const isFull = hasCode(cause, "ENOSPC");
    throw new ConfigError(
      isFull
        ? `--data: ${explainWriting(to, cause)}`
        : `restore: ${path} cannot be read: is the backup complete?`,
      { cause },
    );
  });
  if ((await hashCopy(to)) === sha256) return;
  throw new ConfigError(
    `restore: ${path} is not the file that "membrane backup" wrote: it was cut short or changed; use another backup`,
  );
}

/** Says what a restored copy brings back: only the operator can know what to revoke again. */
function report({ takenAt }: BackupDescription): readonly string[] {
  return [
    `Restored the store as it was at ${takenAt.toISOString()}. It knows nothing of what came after:`,
    "- What was revoked or deleted since then works again. The copy does not know which capabilities these are: revoke them again.",
    '  "membrane membrane revoke" and "membrane tenant delete" do it without a capability.',
    "- What was made since then is gone, and its capabilities no longer work.",
  ];
}

async function readDescription(path: string, directory: string): Promise<BackupDescription> {
  const text = await readIfPresent(path).catch((cause: unknown) => {
    throw new ConfigError(`restore: ${path} cannot be read`, { cause });
  });
  const description = text === undefined ? undefined : parseBackupDescription(text);
  if (description !== undefined) return description;
  throw new ConfigError(
    text === undefined
      ? `restore: ${directory} holds no complete backup: expected a directory that "membrane backup" wrote`
      : `restore: ${path} is not a description that this program knows: was it made by another version?`,
  );
}
