import { randomBytes } from "node:crypto";
import { chmod, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { open as openLmdb } from "lmdb";
import type { ServiceKeys } from "../keys.ts";
import { openEnvironment } from "./environment.ts";
import { openFormat } from "./format.ts";
import { createRevocationLog, entryKey, HEAD } from "./log.ts";
import { createRowTable } from "./row.ts";

/** The file of an LMDB environment that holds everything; the other one, for locks, is made when it is opened. */
export const DATA_FILE = "data.mdb";

const LOCK_FILE = "lock.mdb";

/** How long a write into a copy may wait, in milliseconds: no other process knows of it. */
const OWN_DEADLINE_MS = 60_000;

/**
 * Copies the store in `from` as it is at one moment, beside processes that read and write it. Deleted rows are left out
 * where LMDB can do so. What LMDB copies with other programs (`mdb_copy`) is another format.
 *
 * @param to an empty directory.
 */
export async function copyStore(from: string, to: string): Promise<void> {
  const root = openLmdb({ path: from, readOnly: true, noSubdir: false });
  try {
    await root.backup(to, true).catch(async () => {
      // A compact copy fails where a crash left pages that nothing leads to; a plain one takes all pages.
      await rm(join(to, DATA_FILE), { force: true });
      await root.backup(to, false);
    });
  } finally {
    await root.close();
  }
  await seal(to);
}

/**
 * Makes a copy of a store a store of its own: checks that the key opens it, and gives its revocation log another id. Sequence
 * numbers repeat in it, and a verdict that rests on one of the old log must not pass for fresh.
 *
 * @throws StoreFormatError if it was written by a newer program or with another service key.
 */
export async function adoptCopy(directory: string, keys: ServiceKeys): Promise<void> {
  const environment = openEnvironment(directory, OWN_DEADLINE_MS);
  try {
    const { tables, snapshot, write } = environment;
    const meta = createRowTable("meta", tables.meta, keys);
    await openFormat(environment, meta, keys);
    const log = createRevocationLog(tables.meta, meta, createRowTable("log", tables.log, keys));
    const { sequence } = snapshot(log.head);
    await write(() => meta.put(HEAD, [randomBytes(16), entryKey(sequence)]));
  } finally {
    await environment.close();
  }
  await seal(directory);
}

/** For its owner alone, and on disk. */
async function seal(directory: string): Promise<void> {
  await rm(join(directory, LOCK_FILE), { force: true });
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
