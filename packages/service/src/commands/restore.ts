import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Command } from "../command.ts";
import { ConfigError } from "../config.ts";
import { makePrivateDirectory, readIfPresent, replaceFile, syncDirectory } from "../private-files.ts";
import { createServiceKeys } from "../store/keys.ts";
import { adoptCopy, DATA_FILE } from "../store/lmdb/backup.ts";
import { readServiceKeyFile } from "../store/service-key-file.ts";
import type { BackupDescription } from "./backup-description.ts";
import { parseBackupDescription } from "./backup-description.ts";
import { backupPaths } from "./backup.ts";
import { dataPaths } from "./data.ts";
import type { OperatorMachine } from "./operator.ts";

type RestoreCommand = Extract<Command, { name: "restore" }>;

/**
 * Puts the store of a backup into a data directory that has none.
 *
 * @throws ConfigError if it has one, or if the backup is not whole.
 * @throws ServiceKeyFileError, StoreFormatError if the service key is not there, or is not the one of the backup.
 */
export async function restore(command: RestoreCommand, { print, log }: OperatorMachine): Promise<void> {
  const from = backupPaths(resolve(command.directory));
  const { data } = command.config;
  const { store, serviceKey, authority } = dataPaths(command.config);
  const description = await readDescription(from.description, command.directory);
  if (existsSync(store)) {
    throw new ConfigError(
      `--data: there is a store in ${data}, and restore overwrites none: stop the service, move ${store} away, and restore again`,
    );
  }
  const keys = createServiceKeys(await readServiceKeyFile(serviceKey));
  await makePrivateDirectory(data);
  const staged = join(data, `store.${randomBytes(8).toString("hex")}.tmp`);
  try {
    await mkdir(staged, { mode: 0o700 });
    await copyFile(join(from.store, DATA_FILE), join(staged, DATA_FILE));
    await adoptCopy(staged, keys);
    await replaceFile(authority, `${description.authority}\n`, 0o644);
    await rename(staged, store);
    await syncDirectory(data);
  } finally {
    await rm(staged, { recursive: true, force: true });
  }
  log.operated({ command: "restore" });
  report(description).forEach(print);
}

/** Says what a restored copy brings back: only the operator can know what to revoke again. */
function report({ takenAt }: BackupDescription): readonly string[] {
  return [
    `Restored the store as it was at ${takenAt.toISOString()}. It knows nothing of what came after:`,
    "- What was revoked or deleted since then works again. Which capabilities these are, the copy cannot say: revoke them again.",
    '  "membrane membrane revoke" and "membrane tenant delete" do it without a capability.',
    "- What was made since then is gone, and its capabilities work no more.",
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
      ? `restore: ${directory} holds no backup that is whole: expected what "membrane backup" made`
      : `restore: ${path} says nothing that this program knows: is the backup of a newer one?`,
  );
}
