import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readlink, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { kill, pid } from "node:process";
import { hasCode } from "../error-code.ts";

/** A restore on another machine or in another container counts as killed after this time. */
const MAX_AGE_MS = 24 * 60 * 60_000;

const NAME = /^store\.(\d+)-([0-9a-f]{8})-[0-9a-f]{16}\.tmp$/;

/** Makes a directory for a store that is not complete yet. Its name identifies the process that writes it. */
export async function makeStagedStore(data: string): Promise<string> {
  const name = `store.${pid}-${await processScope()}-${randomBytes(8).toString("hex")}.tmp`;
  const path = join(data, name);
  await mkdir(path, { mode: 0o700 });
  return path;
}

/**
 * Removes the staged stores of restores that were killed, and none of a process that exists, even if it is stopped.
 *
 * @returns what was removed.
 */
export async function removeAbandonedStores(data: string, now: Date): Promise<readonly string[]> {
  const scope = await processScope();
  const removed: string[] = [];
  for (const name of await readdir(data)) {
    const [, owner, ownerScope] = NAME.exec(name) ?? [];
    if (owner === undefined) continue;
    const path = join(data, name);
    const isAbandoned =
      ownerScope === scope ? !isRunning(Number(owner)) : await isOlder(path, now.getTime() - MAX_AGE_MS);
    if (!isAbandoned) continue;
    await rm(path, { recursive: true, force: true });
    removed.push(path);
  }
  return removed;
}

/** Identifies the machine and the container: process ids can be compared only within one of them. */
async function processScope(): Promise<string> {
  // Systems other than Linux have no such file, and no namespaces of process ids.
  const namespace = await readlink("/proc/self/ns/pid").catch(() => "");
  return createHash("sha256").update(`${hostname()} ${namespace}`).digest("hex").slice(0, 8);
}

function isRunning(id: number): boolean {
  try {
    return kill(id, 0);
  } catch (error) {
    // With any other error the process exists and belongs to another user.
    return !hasCode(error, "ESRCH");
  }
}

async function isOlder(path: string, time: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && found.mtimeMs < time;
}
