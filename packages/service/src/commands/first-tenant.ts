import { resolve } from "node:path";
import type { DataConfig } from "../config.ts";
import { ConfigError } from "../config-error.ts";
import { hasCode } from "../error-code.ts";
import type { FirstCapabilities, OperatorContext } from "../management/tenants.ts";
import { createFirstTenant } from "../management/tenants.ts";
import type { StagedFile } from "../private-files.ts";
import { readIfPresent, replaceFile, stageFile } from "../private-files.ts";
import { dataPaths } from "./data-directory.ts";
import type { Print } from "./print.ts";
import { formatFirstCapabilities } from "./first-capabilities-file.ts";
import { printFirstCapabilities } from "./print.ts";

/** The first tenant, and where its capabilities were written. */
export interface FirstTenant {
  readonly first: FirstCapabilities;
  /** The file with the capabilities; absent if they were printed. */
  readonly file?: string;
}

/**
 * Makes the first tenant and prints its capabilities, to a terminal.
 *
 * @returns nothing if the store has had a tenant before.
 */
export async function createAndPrintFirstTenant(
  operator: OperatorContext,
  ca: string | undefined,
  print: Print,
): Promise<FirstTenant | undefined> {
  const first = await createFirstTenant(operator);
  if (first === undefined) return undefined;
  printFirstCapabilities(print, first, ca);
  return { first };
}

/**
 * Makes the first tenant and writes its capabilities to a file that only its owner can read. What a service prints ends up
 * in a journal or a log collector, which keeps it and shows it to others.
 *
 * @throws ConfigError if the file cannot be written; no tenant is made then.
 * @returns nothing if the store has had a tenant before.
 */
export async function createAndSaveFirstTenant(
  operator: OperatorContext,
  config: DataConfig,
  ca: string | undefined,
): Promise<FirstTenant | undefined> {
  const file = resolve(dataPaths(config).firstCapabilities);
  let staged: StagedFile | undefined;
  let text = "";
  const first = await createFirstTenant(operator, async (made) => {
    text = `${formatFirstCapabilities(made, ca)}\n`;
    staged = await stageFile(file, text, 0o600).catch((cause: unknown) => {
      throw new ConfigError(`--data: ${file} cannot be written, which the first start needs`, { cause });
    });
  });
  if (first === undefined) {
    await staged?.discard();
    return undefined;
  }
  await staged?.place().catch(async (error: unknown) => {
    if (!hasCode(error, "ENOENT")) throw error;
    // Another process that starts considered this one killed: it placed the file or removed it.
    if ((await readIfPresent(file)) !== text) await replaceFile(file, text, 0o600);
  });
  return { first, file };
}
