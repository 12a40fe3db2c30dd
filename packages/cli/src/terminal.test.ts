import { expect, test } from "vitest";
import { makeCapability } from "../test/capabilities.ts";
import { Sheet } from "../test/terminal.ts";
import { Failure } from "./failure/failure.ts";
import { formatFailure, hint } from "./terminal.ts";

test("a failure is FAILED, what happened, and behind an empty line what to do", () => {
  expect(formatFailure(new Failure("it broke", "mend it\nor not"), false)).toBe(
    "FAILED\nit broke\n\nmend it\nor not\n",
  );
  expect(formatFailure(new Failure("it broke"), false)).toBe("FAILED\nit broke\n");
});

test("FAILED is red where colours are welcome, and nowhere else", () => {
  expect(formatFailure(new Failure("it broke"), true)).toBe("\u001B[31mFAILED\u001B[0m\nit broke\n");
});

test("nothing in a message acts on the terminal, and no token stands in it", () => {
  const capability = makeCapability();
  const shown = formatFailure(new Failure(`\u001b]0;x\u0007\u202e\r${capability}`, capability), false);
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
  const world = { stdout: new Sheet(stdout), stderr: new Sheet(stderr), isColoured: false };
  hint(world, "go on");
  expect(world.stderr.text).toBe(text);
  expect(world.stdout.text).toBe("");
});
