import { stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { StoreStatus } from "../store.ts";
import { DATA_FILE } from "./files.ts";
import type { UsedSpace } from "./space-budget.ts";

/** What only the environment knows of its directory. */
export interface StatusSource {
  readonly directory: string;
  readonly reserveBytes: number;
  readonly usedSpace: () => UsedSpace;
  readonly sweepBacklog: () => number;
}

/** Reads statistics of LMDB, and asks the file system what is left of it. */
export async function collectStatus(source: StatusSource): Promise<StoreStatus> {
  const { directory, reserveBytes } = source;
  const { size } = await stat(join(directory, DATA_FILE));
  const { bavail, bsize } = await statfs(directory);
  // All of one turn: the directory may be closed in the next one.
  const { usedBytes, freeBytes } = source.usedSpace();
  const tail = Math.max(0, size - usedBytes);
  return {
    sweepBacklog: source.sweepBacklog(),
    sizeBytes: usedBytes - freeBytes,
    roomBytes: Math.max(0, bavail * bsize + tail + freeBytes - reserveBytes),
  };
}
