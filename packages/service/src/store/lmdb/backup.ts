import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { open as openLmdb } from "lmdb";
import type { ServiceKeys } from "../keys.ts";
import { openEnvironment } from "./environment.ts";
import { DATA_FILE, LOCK_FILE } from "./files.ts";
import { openThroughGate, removeGate } from "./commit-gate.ts";
import { errorOfCopy } from "./lmdb-errors.ts";
import { openRows } from "./schema.ts";
import { openFormat } from "./schema-version.ts";
import { createRevocationLog, entryKey, HEAD_KEY } from "./revocation-log.ts";

/** How long a write into a copy may wait, in milliseconds; no other process uses the copy. */
const COPY_WRITE_DEADLINE_MS = 60_000;

/**
 * Copies the store in `from` as it is at one moment, while other processes may read and write it. Deleted rows are left out if
 * LMDB can do that. `mdb_copy` cannot read this format.
 *
 * @param to an empty directory.
 * @throws StoreFullError, StoreFailedError with the system's code as message.
 */
export async function copyStore(from: string, to: string): Promise<void> {
  const { opened: root, gate } = await openThroughGate(from, () =>
    openLmdb({ path: from, readOnly: true, noSubdir: false }),
  );
  try {
    await root.backup(to, true).catch(async () => {
      // A compact copy fails if a crash left unreachable pages; a plain one copies all pages.
      await rm(join(to, DATA_FILE), { force: true });
      await root.backup(to, false).catch((error: unknown) => {
        throw errorOfCopy(error);
      });
    });
  } finally {
    await root.close();
    await gate.close();
  }
  await finalizeCopy(to);
}

/**
 * Turns a copy into an independent store: checks that the keys open it, and gives its revocation log another id. Sequence
 * numbers repeat in a copy, and a resolution cached at a position of the old log must not count as fresh.
 *
 * @throws StoreFormatError if it was written by a newer program, or needs another service key.
 */
export async function adoptCopy(directory: string, keys: ServiceKeys): Promise<void> {
  const environment = await openEnvironment(directory, COPY_WRITE_DEADLINE_MS);
  try {
    const { tables, snapshot, write } = environment;
    const rows = openRows(tables, (await openFormat(environment, keys)).keys);
    const log = createRevocationLog(tables.meta, rows);
    const { sequence } = snapshot(log.head);
    await write(() => rows.meta.put(HEAD_KEY, [randomBytes(16), entryKey(sequence)]));
  } finally {
    await environment.close();
  }
  await finalizeCopy(directory);
}

/** SHA-256 of the data file of a copy, in hex. */
export async function hashCopy(directory: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(join(directory, DATA_FILE))) hash.update(piece);
  return hash.digest("hex");
}

/** Leaves only the data file in a copy, readable only by its owner, and flushes it. */
export async function finalizeCopy(directory: string): Promise<void> {
  await rm(join(directory, LOCK_FILE), { force: true });
  removeGate(directory);
  const path = join(directory, DATA_FILE);
  await chmod(path, 0o600);
  for (const synced of [path, directory]) {
    const handle = await open(synced, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}
