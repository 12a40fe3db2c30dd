import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { DataConfig } from "../../config.ts";
import type { Finding } from "./finding.ts";

const MEBIBYTE = 1024 * 1024;

/** With less, the operator should make room: on a full disk only revokes are written. */
const MIN_FREE_BYTES = 256 * MEBIBYTE;

/** Checks how much space is left where the data directory is, or will be. */
export async function checkDiskSpace({ data }: Pick<DataConfig, "data">): Promise<Finding> {
  let directory = resolve(data);
  while (!existsSync(directory)) directory = dirname(directory);
  const { bavail, bsize } = await statfs(directory);
  const left = bavail * bsize;
  const ok = left >= MIN_FREE_BYTES;
  const summary = `disk: ${Math.floor(left / MEBIBYTE)} MiB left for ${data}`;
  return {
    ok,
    what: ok
      ? summary
      : `${summary}: make room; on a full disk little but revokes is written (docs/operations.md, "What happens when the disk is full?")`,
  };
}
