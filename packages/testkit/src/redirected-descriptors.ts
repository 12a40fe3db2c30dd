import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from "node:fs";

/** O_DSYNC, in octal as in `fdinfo`. */
const SYNCED = 0o10000;

/** Lists the descriptors of this process for a file: those that write synchronously, or the others. */
export function descriptorsOf(path: string, which: "synced" | "plain"): number[] {
  return readdirSync("/proc/self/fd")
    .map(Number)
    .filter((fd) => linkOf(fd) === path && isSynced(fd) === (which === "synced"));
}

/**
 * Points descriptors of this process to another file, as if the disk had changed: writes to `/dev/full` fail with ENOSPC.
 *
 * @returns a function that points them to `path` again.
 */
export function redirectDescriptors(fds: readonly number[], other: string, path: string): () => void {
  for (const fd of fds) replace(fd, other);
  return () => fds.forEach((fd) => replace(fd, path));
}

function replace(fd: number, path: string): void {
  closeSync(fd);
  const others: number[] = [];
  for (let next = openSync(path, "r+"); next !== fd; next = openSync(path, "r+")) {
    others.push(next);
    if (others.length > 1_000) throw new Error(`descriptor ${fd} was taken by another file`);
  }
  for (const other of others) closeSync(other);
}

function linkOf(fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}

function isSynced(fd: number): boolean {
  const flags = /flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1] ?? "0";
  return (Number.parseInt(flags, 8) & SYNCED) !== 0;
}
