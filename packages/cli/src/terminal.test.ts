import { expect, test } from "vitest";
import { makeCapability } from "../test/support/capabilities.ts";
import { CapturedOutput } from "../test/support/terminal.ts";
import { CliError } from "./errors/cli-error.ts";
import { formatError, printHint } from "./terminal.ts";

test("an error is printed as FAILED, what happened, an empty line, and what to do", () => {
  expect(formatError(new CliError("it broke", "mend it\nor not"), false)).toBe(
    "FAILED\nit broke\n\nmend it\nor not\n",
  );
  expect(formatError(new CliError("it broke"), false)).toBe("FAILED\nit broke\n");
});

test("FAILED is red if colors are enabled, and only then", () => {
  expect(formatError(new CliError("it broke"), true)).toBe("\u001B[31mFAILED\u001B[0m\nit broke\n");
});

test("a printed message has no characters that control the terminal, and no token", () => {
  const capability = makeCapability();
  const shown = formatError(new CliError(`\u001b]0;x\u0007\u202e\r${capability}`, capability), false);
  const [, , token = ""] = capability.split("/#").flatMap((part) => [part, part]);
  expect(shown).not.toMatch(/[^\n\P{C}]/u);
  expect(shown).not.toContain(token);
});

test.each([
  [true, true, "go on\n"],
  [true, false, ""],
  [false, true, ""],
  [false, false, ""],
])("with a terminal for output: %s, for errors: %s, a hint is %j", (stdout, stderr, text) => {
  const io = { stdout: new CapturedOutput(stdout), stderr: new CapturedOutput(stderr), isColored: false };
  printHint(io, "go on");
  expect(io.stderr.text).toBe(text);
  expect(io.stdout.text).toBe("");
});
