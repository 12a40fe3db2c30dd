import { execFile } from "node:child_process";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { changeProfile } from "capability-sdk/profiles";
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.ts";
import { reveals, makeCapability } from "./support/capabilities.ts";
import { CAPI, environment } from "./support/program.ts";

let installation: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeEach(async () => {
  installation = await temporaryDirectory();
});
afterEach(() => installation[Symbol.asyncDispose]());

const SCRIPT = `
  source <(capi completion) || exit
  registered=$(complete -p capi)
  [[ $registered =~ -F\\ ([^ ]+) ]] || exit
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=\${#COMP_LINE}
  "\${BASH_REMATCH[1]}" capi "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD - 1]}"
  printf '%s\\n' "\${COMPREPLY[@]}"
`;

/** Returns what bash offers when Tab is pressed after these words, of which the last may be empty. */
async function complete(...args: readonly string[]): Promise<readonly string[]> {
  const bin = join(installation.path, "bin");
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, "capi"), `#!/bin/sh\nexec "${process.execPath}" "${CAPI}" "$@"\n`);
  await chmod(join(bin, "capi"), 0o700);
  const { PATH, ...rest } = environment(installation.path);
  const { stdout, stderr } = await promisify(execFile)("bash", ["-c", SCRIPT, "bash", "capi", ...args], {
    env: { ...rest, PATH: `${bin}:${PATH}` },
  });
  expect(stderr).toBe("");
  return stdout.split("\n").filter((line) => line !== "");
}

test("bash completes commands, subcommands and options", async () => {
  expect(await complete("mem")).toEqual(["membrane"]);
  expect(await complete("membrane", "ex")).toEqual(["export"]);
  expect(await complete("membrane", "export", "--u")).toEqual(["--uri"]);
});

test("an empty word offers every command", async () => {
  expect((await complete("")).toSorted()).toEqual([
    "completion",
    "config",
    "membrane",
    "profiles",
    "request",
  ]);
  expect((await complete("config", "")).toSorted()).toEqual(["ca", "configure", "list", "remove"]);
  const membrane = ["create", "delete-self", "export", "query", "revoke"];
  expect((await complete("membrane", "")).toSorted()).toEqual(membrane);
});

test("after --profile the names of the profiles are offered, and nothing of their contents", async () => {
  expect(await complete("membrane", "create", "--profile", "")).toEqual([]);
  const create = makeCapability();
  for (const name of ["work", "home", "work-2"]) {
    const profile = { name, capabilities: { create }, trustedCA: {} };
    await changeProfile(join(installation.path, ".capability"), profile);
  }
  const offered = await complete("membrane", "create", "--profile", "");
  expect(offered.toSorted()).toEqual(["home", "work", "work-2"]);
  expect((await complete("config", "remove", "--profile", "wo")).toSorted()).toEqual(["work", "work-2"]);
  expect(reveals(offered.join(), create)).toBe(false);
});

test("the script is for the shell that SHELL names", async () => {
  const run = promisify(execFile);
  const scripts = ["/bin/zsh", "/bin/bash"].map(async (SHELL) => {
    const env = { ...environment(installation.path), SHELL };
    return (await run(process.execPath, [CAPI, "completion"], { env })).stdout;
  });
  const [zsh, bash] = await Promise.all(scripts);
  expect(zsh).toMatch(/^#compdef capi\n/);
  expect(zsh).toContain("compdef _capi_yargs_completions capi");
  expect(bash).not.toContain("compdef");
  expect(bash).toContain("complete -o bashdefault");
});

test("completion works while the profile files are damaged", async () => {
  await mkdir(join(installation.path, ".capability"));
  await writeFile(join(installation.path, ".capability", "credentials"), "profile: [");
  expect(await complete("membrane", "create", "--profile", "")).toEqual([]);
  expect(await complete("prof")).toEqual(["profiles"]);
});
