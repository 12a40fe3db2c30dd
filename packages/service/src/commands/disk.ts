import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { DataConfig } from "../config.ts";

const MEBIBYTE = 1024 * 1024;

/** Below it, an operator should make room: on a full disk only revokes are written. */
const LEAST_BYTES = 256 * MEBIBYTE;

/** Checks how much space is left where the data directory is, or will be. */
export async function checkDisk({
  data,
}: Pick<DataConfig, "data">): Promise<{ readonly ok: boolean; readonly what: string }> {
  let place = resolve(data);
  while (!existsSync(place)) place = dirname(place);
  const { bavail, bsize } = await statfs(place);
  const left = bavail * bsize;
  const ok = left >= LEAST_BYTES;
  const says = `disk: ${Math.floor(left / MEBIBYTE)} MiB left for ${data}`;
  return {
    ok,
    what: ok
      ? says
      : `${says}: make room; on a full disk little but revokes is written (docs/operating.md, "A full disk")`,
  };
}
