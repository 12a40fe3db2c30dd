import { rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parseCapabilityUri } from "capability-protocol";
import type { DataConfig } from "../config.ts";
import { hasCode } from "../error-code.ts";
import type { FirstCapabilities } from "../management/tenants.ts";
import { findStagedFiles, readIfPresent, syncDirectory } from "../private-files.ts";
import type { Vault } from "../store/vault.ts";
import { dataPaths } from "./data-directory.ts";
import { parseFirstCapabilities } from "./first-capabilities-file.ts";
import type { FirstTenant } from "./first-tenant.ts";

/** The result for the files that killed first starts left. */
interface Settled {
  /** The first tenant, if its start was killed before the file was in place. The file is in place now. */
  readonly recovered?: FirstTenant;
  /** Files with capabilities of tenants that were never stored. */
  readonly removed: readonly string[];
}

/**
 * Settles the staged files of first starts that were killed: one may hold the only copy of the first tenant's capabilities.
 *
 * Call it when the store has had its first tenant. Then it is safe while other first starts run: the capabilities in a file
 * either work, and the file is placed, or never will.
 */
export async function settleUnplacedCapabilities(
  vault: Pick<Vault, "open">,
  config: DataConfig,
): Promise<Settled> {
  const file = resolve(dataPaths(config).firstCapabilities);
  const removed: string[] = [];
  let recovered: FirstTenant | undefined;
  for (const path of await findStagedFiles(file)) {
    const text = await readIfPresent(path);
    const first = text === undefined ? undefined : parseFirstCapabilities(text);
    if (first !== undefined && (await anyWorks(vault, first))) {
      if (await place(path, file)) recovered = { first, file };
    } else {
      await rm(path, { force: true });
      removed.push(path);
    }
  }
  return { ...(recovered === undefined ? {} : { recovered }), removed };
}

async function anyWorks(vault: Pick<Vault, "open">, first: FirstCapabilities): Promise<boolean> {
  const { capabilities, operator } = first;
  for (const text of [...Object.values<string>({ ...capabilities }), operator.provision]) {
    const uri = parseCapabilityUri(text);
    if (uri !== undefined && (await vault.open(uri.token)) !== undefined) return true;
  }
  return false;
}

/** @returns whether the file still existed: the process that staged it may have placed it. */
async function place(path: string, file: string): Promise<boolean> {
  try {
    await rename(path, file);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    throw error;
  }
  await syncDirectory(dirname(file));
  return true;
}
