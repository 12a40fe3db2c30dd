import { afterAll, beforeAll, expect, test } from "vitest";
import { COMMANDS, COMMAND_GROUPS } from "../src/commands/commands.ts";
import type { Home } from "./support/installation.ts";
import { createHome } from "./support/installation.ts";

let home: Home;
beforeAll(async () => {
  home = await createHome();
});
afterAll(() => home[Symbol.asyncDispose]());

/** Returns the help, and the same on one line, since it is wrapped to the width of a terminal. */
async function help(...args: readonly string[]): Promise<{ readonly text: string; readonly folded: string }> {
  const text = await home.succeed([...args, "--help"]);
  return { text, folded: text.replace(/\s+/g, " ") };
}

test.each(COMMANDS)("capi $name --help has all its options and examples", async (entry) => {
  const { text, folded } = await help(...entry.name.split(" "));
  expect(folded).toContain(`capi ${entry.name}`);
  expect(folded).toContain(entry.describe);
  for (const [name, { describe, short }] of Object.entries(entry.options)) {
    expect(folded).toContain(`${short === undefined ? "" : `-${short}, `}--${name} ${describe}`);
  }
  const lines = text.split("\n").map((line) => line.trim());
  for (const [line, meaning] of entry.examples) {
    expect(lines).toContain(`# ${meaning}`);
    expect(lines).toContain(line);
  }
});

test("capi --help names every command, and how to keep a secret out of the list of processes", async () => {
  const { folded } = await help();
  for (const { name, describe } of COMMANDS.filter((entry) => !entry.name.includes(" "))) {
    expect(folded).toContain(`capi ${name}`);
    expect(folded).toContain(describe);
  }
  for (const [word, describe] of COMMAND_GROUPS) expect(folded).toContain(`capi ${word} ${describe}`);
  expect(folded).toContain("To keep a secret out of the list of processes");
});

test.each(COMMAND_GROUPS)("capi %s --help names its commands", async (group) => {
  const { folded } = await help(group);
  for (const { name, describe } of COMMANDS.filter((entry) => entry.name.startsWith(`${group} `))) {
    expect(folded).toContain(`capi ${name} ${describe}`);
  }
});

test("--version prints the version of the package, at any place in the command line", async () => {
  const version = await home.succeed(["--version"]);
  expect(version).toMatch(/^\d+\.\d+\.\d+/);
  expect(await home.succeed(["membrane", "create", "--version"])).toBe(version);
});
