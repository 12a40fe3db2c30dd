import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { makeCapability } from "../../test/support/capabilities.ts";
import { readCommandLine } from "../read-command-line.ts";
import { COMMANDS } from "./commands.ts";

const EXAMPLES = COMMANDS.flatMap(({ name, examples }) => examples.map(([line]) => [line, name] as const));

/** The contents of every file that an example names. */
const FILE = { header: "Authorization: Bearer x", other: makeCapability() };

test("every command and every option of it is described in one line, and there is an example", () => {
  for (const { describe, options, examples } of COMMANDS) {
    expect(examples.length).toBeGreaterThan(0);
    for (const text of [describe, ...Object.values(options).map((option) => option.describe)]) {
      expect(text).toMatch(/^.{8,80}$/);
    }
  }
});

test.each(EXAMPLES)("%s is a valid command line", async (line, name) => {
  await using directory = await temporaryDirectory();
  // A line that writes to a home directory must not write to that of the user who runs the tests.
  const script = `HOME=.; capi() { printf '%s\\0' "$@" >>words; cat >/dev/null; }\n${line}`;
  execFileSync("sh", ["-c", script], { cwd: directory.path, input: "" });
  const args = (await readFile(join(directory.path, "words"), "utf8")).split("\0").slice(0, -1);
  const command = await readCommandLine(args, {
    version: "",
    openSecrets: () => ({
      claimStdin: () => new PassThrough(),
      read: async (option, given) => {
        if (!given.startsWith("@")) return given;
        return option === "--header" ? FILE.header : FILE.other;
      },
    }),
  });
  expect(command.name).toBe(name);
});

test("an option's name and its letter mean the same in every command", () => {
  const all = COMMANDS.flatMap(({ options }) => Object.entries(options));
  for (const [name, option] of all) {
    for (const [other, { takes, short }] of all) {
      if (other === name) expect(takes === "switch").toBe(option.takes === "switch");
      if (short !== undefined && short === option.short) expect(other).toBe(name);
    }
  }
});
