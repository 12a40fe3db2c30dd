import { execFile } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { hasCode } from "../../service/src/error-code.ts";

const execute = promisify(execFile);

/** A separate file system in memory, which can be filled. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  /** Uses all free space. */
  fill(): void;
  /** Frees the space that `fill` used. */
  empty(): Promise<void>;
}

/** Mounts a tmpfs, which needs root; it is unmounted when it is disposed of. */
export async function mountSmallDisk(megabytes: number): Promise<SmallDisk> {
  const path = await mkdtemp(join(tmpdir(), "membrane-disk-"));
  await execute("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", path]).catch(
    (cause: unknown) => {
      throw new Error("This test mounts a small tmpfs: run it as root, with CAP_SYS_ADMIN.", { cause });
    },
  );
  const filler = join(path, "filler");
  return {
    path,
    fill() {
      const file = openSync(filler, "a");
      try {
        for (const size of [64 * 1024, 4096]) writeUntilFull(file, Buffer.alloc(size));
      } finally {
        closeSync(file);
      }
    },
    empty: () => rm(filler, { force: true }),
    async [Symbol.asyncDispose]() {
      // Lazily, since a process that a failed test left may still use it.
      await execute("umount", ["-l", path]);
      await rm(path, { recursive: true, force: true });
    },
  };
}

function writeUntilFull(file: number, bytes: Buffer): void {
  try {
    for (;;) if (writeSync(file, bytes) === 0) return;
  } catch (error) {
    if (!hasCode(error, "ENOSPC")) throw error;
  }
}
