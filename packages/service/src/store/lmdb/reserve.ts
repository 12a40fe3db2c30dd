import {
  closeSync,
  existsSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { errorCode, hasCode } from "../../error-code.ts";
import { temporaryName } from "../../private-files.ts";
import { DATA_FILE, GATE_LOCK_FILE, LOCK_FILE } from "./files.ts";

/** How much more than needed the file is extended by, so that not every write extends it. */
const EXTENSION_BYTES = 1024 * 1024;

const ZEROS = Buffer.alloc(64 * 1024);

/** Size of the lock file. LMDB needs half of this. */
const LOCK_BYTES = 16 * 1024;

/**
 * LMDB writes pages with `pwrite`, new ones at the end of the file, so a full disk fails a commit. The end of the file is
 * therefore written before it is needed: LMDB ignores bytes after its last page, and overwriting them needs no space.
 */
export interface Reserve {
  /**
   * Extends the file so that `bytes`, and a step more, are allocated after its last page. Only the holder of the write lock may
   * call it: no other process writes there then.
   *
   * @param used where the last page ends.
   * @returns how many bytes are allocated there now, and the code of the error that kept them from being more.
   */
  extend(used: number, bytes: number): { readonly tail: number; readonly cause?: string };
  /** To be called when the write lock was taken: another process may have extended the file before. */
  refresh(): void;
  close(): void;
}

export function openReserve(directory: string): Reserve {
  const file = openSync(join(directory, DATA_FILE), "r+");
  /** Until it was extended again every write tries to, so that what was kept is kept again as soon as there is space. */
  let isShort = false;
  let known: number | undefined;
  return {
    refresh() {
      known = undefined;
    },
    extend(used, bytes) {
      const size = (known ??= fstatSync(file).size);
      if (!isShort && size - used >= bytes) return { tail: size - used };
      known = undefined;
      const end = used + bytes + EXTENSION_BYTES;
      let position = size;
      try {
        while (position < end) {
          position += writeSync(file, ZEROS, 0, Math.min(ZEROS.length, end - position), position);
        }
      } catch (error) {
        isShort = true;
        // A part that was written is kept: each byte that becomes free counts.
        return { tail: fstatSync(file).size - used, cause: errorCode(error) ?? "UNKNOWN" };
      }
      isShort = false;
      return { tail: Math.max(size, end) - used };
    },
    close: () => closeSync(file),
  };
}

/**
 * Makes the directory and the lock files of a store that has none. LMDB would make a lock file with a hole in it and write it
 * through a memory map, which on a full disk ends the process with SIGBUS.
 */
export function prepareDirectory(directory: string): void {
  if (!existsSync(directory)) mkdirSync(directory);
  for (const name of [LOCK_FILE, GATE_LOCK_FILE]) prepareLockFile(join(directory, name));
}

function prepareLockFile(lock: string): void {
  // A lock file that is there is not opened: closing it would drop the locks that this process may hold on it (fcntl).
  if (existsSync(lock)) return;
  const whole = temporaryName(lock);
  try {
    writeFileSync(whole, Buffer.alloc(LOCK_BYTES), { flag: "wx" });
    // By a link, so that no other process that starts now finds a part of it.
    linkSync(whole, lock);
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  } finally {
    rmSync(whole, { force: true });
  }
}
