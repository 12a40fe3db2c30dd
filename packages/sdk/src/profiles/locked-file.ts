import type { FileHandle } from "node:fs/promises";
import { open, readlink, realpath, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ProfileError } from "./error.ts";

const MAX_ATTEMPTS = 100;
const RETRY_DELAY_MS = 50;
const MAX_LINKS = 40;

/** A file that only this process may change. */
export interface LockedFile {
  /** Writes the new text to disk in a separate file, so that a full disk is noticed before the file changes. */
  write(text: string): Promise<void>;
  /** Replaces the file by the new text. A reader finds the old text or the new one, even after a power failure. */
  commit(): Promise<void>;
}

/**
 * Runs `change` while only this process may change the file. As in git, `FILE.lock`, made with O_EXCL, is the lock; the new text
 * is written to it, and it is renamed to the file.
 *
 * Throws a `ProfileError` `locked` when the lock file of another process exists for five seconds. A process that is killed leaves
 * its lock file, and no other process removes it, since none can be certain that its maker no longer runs.
 */
export async function withLockedFile<T>(path: string, change: (file: LockedFile) => Promise<T>): Promise<T> {
  const lock = `${path}.lock`;
  const handle = await acquireLock(lock);
  let isLockHeld = true;
  try {
    return await change({
      async write(text) {
        await handle.writeFile(text);
        await handle.sync();
        await handle.close();
      },
      async commit() {
        await rename(lock, path);
        // From here on, a lock file of this name belongs to another process.
        isLockHeld = false;
        await syncDirectory(dirname(path));
      },
    });
  } finally {
    if (isLockHeld) await rm(lock, { force: true });
    await handle.close();
  }
}

async function acquireLock(lock: string): Promise<FileHandle> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    try {
      return await open(lock, "wx", 0o600);
    } catch (error) {
      if (!hasErrorCode(error, "EEXIST")) throw error;
    }
    await sleep(RETRY_DELAY_MS);
  }
  throw new ProfileError(
    "locked",
    `${lock} exists: another capi is changing the profiles, or was killed while it did. ` +
      "If none is running, remove this file and any other .lock file in its directory",
  );
}

/**
 * Follows the symbolic links of a path, whether or not the file exists. Dotfile managers replace files by links, and a rename to
 * the link's path would replace the link.
 */
export async function resolveLinks(path: string): Promise<string> {
  let current = path;
  for (let depth = 0; depth < MAX_LINKS; depth += 1) {
    const target = await linkTarget(current);
    if (target === undefined) return current;
    current = resolve(await realpath(dirname(current)), target);
  }
  throw new ProfileError("file_system", `${path}: expected a file, not a cycle of symbolic links`);
}

async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    if (hasErrorCode(error, "ENOENT") || hasErrorCode(error, "EINVAL")) return undefined;
    throw error;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Whether the error has this code of the system. */
export function hasErrorCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
