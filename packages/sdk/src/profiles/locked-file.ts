import type { FileHandle } from "node:fs/promises";
import { open, readlink, realpath, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ProfileError } from "./error.ts";

const MAX_ATTEMPTS = 100;
const RETRY_DELAY_MS = 50;
const MAX_LINKS = 40;

/** A file that this process alone may change. */
export interface LockedFile {
  /** Puts the new text on disk beside the file: a full disk shows here. */
  write(text: string): Promise<void>;
  /** Puts what was written in place of the file; a reader finds the old text or the new one, also after a power cut. */
  commit(): Promise<void>;
}

/**
 * Runs `change` while this process alone may change the file, as git does it: `FILE.lock`, made with O_EXCL, is the
 * lock and is also what the new text is written to and what is renamed over the file.
 *
 * Throws a `ProfileError` `locked` when the lock file of another process is there for five seconds. A process that is killed
 * leaves its own; no other one removes it, since who made it, and whether it still runs, cannot be known for certain.
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
        // From here on a lock file of this name is another process's.
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
      "If none is running, remove this file and any other .lock beside it",
  );
}

/**
 * The file that a path names once symbolic links are followed, whether or not it exists: managers of dotfiles put
 * links in place of files, and renaming over a link would cut the file off from its manager.
 */
export async function resolveLinks(path: string): Promise<string> {
  let current = path;
  for (let depth = 0; depth < MAX_LINKS; depth += 1) {
    const target = await linkTarget(current);
    if (target === undefined) return current;
    current = resolve(await realpath(dirname(current)), target);
  }
  throw new ProfileError("file_system", `${path}: expected a file, not a ring of symbolic links`);
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

/** Whether the system gave this reason. */
export function hasErrorCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
