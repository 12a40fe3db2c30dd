import { mkdtemp, readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../../testkit/src/run.ts";
import type { TestTarget } from "../../testkit/src/target.ts";
import { startStreamingTarget } from "../../testkit/src/target.ts";
import type { Home, Installation } from "./support/installation.ts";
import { startInstallation } from "./support/installation.ts";
import { CAPI, environment } from "./support/program.ts";

/** The most files that each may load, two more than it does. Ten cost a fifth of what an empty program of Node.js costs. */
const MOST = { version: 24, help: 26, completions: 35, profiles: 43, request: 69, call: 108 };

let installation: Installation;
/** A user who has no profile. */
let stranger: Home;
let target: TestTarget;
beforeAll(async () => {
  [installation, target] = await Promise.all([
    startInstallation(),
    startStreamingTarget((_, response) => void response.end()),
  ]);
  stranger = await installation.createOtherHome();
});
afterAll(async () => {
  await installation[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

/** Runs `capi`, and returns the files that Node.js has loaded for it: ours and those of dependencies. */
async function filesOf(home: Home, ...args: readonly string[]): Promise<readonly string[]> {
  const NODE_V8_COVERAGE = await mkdtemp(join(home.path, "coverage-"));
  const { code, stderr } = await run(process.execPath, [CAPI, ...args], {
    env: { ...environment(home.path), NODE_V8_COVERAGE },
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [name = ""] = await readdir(NODE_V8_COVERAGE);
  const { result }: { result: readonly { url: string }[] } = JSON.parse(
    await readFile(join(NODE_V8_COVERAGE, name), "utf8"),
  );
  const files = result.map(({ url }) => url).filter((url) => url.startsWith("file:"));
  // Otherwise nothing was counted.
  expect(files.some((url) => url.endsWith("/cli/dist/main.js"))).toBe(true);
  return files;
}

test.each([
  ["--version", MOST.version],
  ["--help", MOST.help],
  ["membrane export --help", MOST.help],
  ["request --help", MOST.help],
  ["completion", MOST.completions],
  ["--get-yargs-completions capi membrane", MOST.completions],
  ["profiles", MOST.profiles],
])("capi %s loads the descriptions of the commands, and at most %i files", async (words, most) => {
  const files = await filesOf(stranger, ...words.split(" "));
  expect(files.length).toBeLessThanOrEqual(most);
});

test("capi request loads what an invocation needs, and nothing for the bodies of the HTTP interface", async () => {
  await installation.succeed(["membrane", "create", "--id", "m"]);
  const args = ["membrane", "export", "--id", "m", "--uri", target.url, "--output", "uri"];
  const uri = await installation.file("uri", await installation.succeed(args));
  const files = await filesOf(stranger, "request", `@${uri}`, "--cacert", installation.ca);
  expect(files.length).toBeLessThanOrEqual(MOST.request);
});

test("capi membrane create loads the client of the service, and no other command", async () => {
  const access = ["--capability", installation.capabilities.create, "--cacert", installation.ca];
  const files = await filesOf(stranger, "membrane", "create", "--id", "other", ...access);
  expect(files.length).toBeLessThanOrEqual(MOST.call);
});

test("the parser for YAML is loaded only if there is a profile to read", async () => {
  const isYaml = (url: string): boolean => url.includes("/node_modules/yaml/");
  expect((await filesOf(stranger, "profiles")).filter(isYaml)).toEqual([]);
  expect((await filesOf(installation, "profiles")).some(isYaml)).toBe(true);
});
