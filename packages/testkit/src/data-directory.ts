import { readFile } from "node:fs/promises";
import { join } from "node:path";
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
