import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestTarget } from "../../testkit/src/target.ts";
import { startTarget } from "../../testkit/src/target.ts";
import { makeCapability } from "./support/capabilities.ts";
import type { ProcessResult } from "../../testkit/src/run.ts";
import type { Installation } from "./support/installation.ts";
import { startInstallation } from "./support/installation.ts";
import { CAPI, environment } from "./support/program.ts";

const README = await readFile(new URL("../README.md", import.meta.url), "utf8");

/** The blocks of code, without their indentation. */
const BLOCKS = Array.from(README.matchAll(/(?:^ {4}.*\n(?:\n(?= {4}))?)+/gm), ([block]) =>
  block.replace(/^ {4}/gm, ""),
);

const isInstalling = (block: string): boolean => block.includes("npm install --global");
const isOutput = (block: string): boolean => block.startsWith("FAILED\n");
const SCRIPTS = BLOCKS.filter((block) => !isInstalling(block) && !isOutput(block));

let installation: Installation;
let target: TestTarget;
let work: string;
beforeAll(async () => {
  [installation, target] = await Promise.all([startInstallation(), startTarget()]);
  const bin = join(installation.path, "bin");
  work = join(installation.path, "work");
  for (const path of [bin, work]) await mkdir(path);
  await writeFile(join(bin, "capi"), `#!/bin/sh\nexec "${process.execPath}" "${CAPI}" "$@"\n`);
  await chmod(join(bin, "capi"), 0o700);
  await writeFile(join(work, "key.txt"), "X-Api-Key: k\n");
  await writeFile(join(work, "event.json"), "{}");
  await writeFile(join(work, "secret.txt"), "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n");
  for (const name of ["openai", "github"])
    await writeFile(join(work, `${name}-key.txt`), "Authorization: Bearer SECRET\n");
  await installation.succeed(["membrane", "create", "--id", "files"]);
});
afterAll(async () => {
  await installation[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

/** Prepares an example: capabilities in files, and the membrane `reports` unless the example creates it. */
async function prepare(script: string): Promise<void> {
  const args = ["membrane", "export", "--id", "files", "--allow-query", "--uri", target.url];
  const capability = await installation.succeed([...args, "--output", "uri"]);
  for (const name of ["report.txt", "upload.txt"]) await writeFile(join(work, name), `${capability}\n`);
  for (const id of ["reports", "for-bob"]) await installation.capi(["membrane", "revoke", "--id", id]);
  if (!script.includes("create --id reports"))
    await installation.succeed(["membrane", "create", "--id", "reports"]);
}

/** Runs a script in a shell, with a target on this machine in place of the one in the examples. */
async function run(script: string): Promise<ProcessResult> {
  const { PATH, ...rest } = environment(installation.path);
  const env = { ...rest, PATH: `${join(installation.path, "bin")}:${PATH}`, TARGET: target.url };
  const text = script.replaceAll("https://api.example/", target.url);
  const child = spawn("bash", ["-eo", "pipefail", "-c", text], {
    cwd: work,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
  await once(child, "close");
  const [stdout, stderr] = [out, err].map((chunks) => Buffer.concat(chunks).toString());
  return { code: child.exitCode, stdout: stdout!, stderr: stderr! };
}

test("every block of the README, except installation and output, is a script that is run below", () => {
  expect(BLOCKS.filter((block) => !SCRIPTS.includes(block)).map((block) => block.split("\n")[0])).toEqual([
    expect.stringMatching(/^npx --no capi …/),
    "FAILED",
  ]);
  expect(SCRIPTS.filter((script) => !/\bcapi [a-z]/.test(script))).toEqual([]);
  expect(SCRIPTS.length).toBeGreaterThan(4);
});

test.each(SCRIPTS.map((script) => [script.split("\n")[0], script] as const))(
  "the block that begins with %s works as written",
  async (_line, script) => {
    await prepare(script);
    const { code, stderr } = await run(script);
    const isPreset = script.includes("--preset");
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(isPreset ? /^--preset openai: .*\nIt filled in:\n/ : /^$/);
  },
);

test("the error in the README is the one that capi prints", async () => {
  const otherHome = await installation.createOtherHome();
  const { stderr } = await otherHome.capi(["request", makeCapability(installation.authority)]);
  const shown = BLOCKS.find(isOutput)
    ?.replaceAll("localhost:8443", installation.authority)
    .replace(/…\n$/, "");
  expect(stderr.startsWith(shown!), stderr).toBe(true);
});
