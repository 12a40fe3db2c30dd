import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseAuthority } from "capability-protocol";
import type { DataDirectory } from "../../service/src/commands/data-directory.ts";
import { openDataDirectory } from "../../service/src/commands/data-directory.ts";
import { DEFAULT_LIMITS } from "../../service/src/service-limits.ts";
import { engineOfRun, ENGINES } from "./engines.ts";
import { runMembrane } from "./process.ts";
import { tokenOf } from "./client.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import type { TestService } from "./service.ts";
import { TEST_AUTHORITY } from "./service.ts";

/** A data directory with its first tenant, for service processes. */
export interface TestDataDirectory extends AsyncDisposable {
  readonly path: string;
  readonly tokens: TestService["tokens"];
}

export async function initDataDirectory(): Promise<TestDataDirectory> {
  const directory = await temporaryDirectory();
  const args = ["init", "--data", directory.path, "--authority", TEST_AUTHORITY, "--json"];
  const { code, stdout, stderr } = await runMembrane(args);
  if (code !== 0) throw new Error(`membrane init failed: ${stderr}`);
  return {
    path: directory.path,
    tokens: tokensOf(stdout),
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

/** Reads the tokens that the first start of a service wrote to this data directory, since it had no terminal. */
export async function firstTokens(data: string): Promise<TestService["tokens"]> {
  return tokensOf(await readFile(join(data, "first-capabilities.json"), "utf8"));
}

/** Opens the data directory of a service that is not running, with the engine of the run. */
export function openTestData(data: string): Promise<DataDirectory> {
  const config = { data, authority: parseAuthority(TEST_AUTHORITY)!, limits: DEFAULT_LIMITS };
  return openDataDirectory(config, { openDirectory: ENGINES[engineOfRun()] });
}

/** Parses the tokens in the JSON of a first start. */
function tokensOf(text: string): TestService["tokens"] {
  const { capabilities, operator } = JSON.parse(text) as {
    readonly capabilities: { readonly create: string; readonly query: string; readonly deleteSelf: string };
    readonly operator: { readonly provision: string };
  };
  return {
    create: tokenOf(capabilities.create),
    query: tokenOf(capabilities.query),
    deleteSelf: tokenOf(capabilities.deleteSelf),
    provision: tokenOf(operator.provision),
  };
}
