import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Installation } from "./support/installation.ts";
import { startInstallation } from "./support/installation.ts";
import { CAPI, environment } from "./support/program.ts";
import { openTerminal } from "../../testkit/src/pseudo-terminal.ts";

let installation: Installation;
beforeAll(async () => {
  installation = await startInstallation();
});
afterAll(() => installation[Symbol.asyncDispose]());

/** Returns everything that a terminal shows for a command. */
async function onTerminal(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  using terminal = openTerminal(process.execPath, [CAPI, ...args], {
    ...environment(installation.path),
    ...env,
  });
  await terminal.ended;
  return terminal.shown();
}

const DIM = "\u001B[2m";
const RED = "\u001B[31m";

test("on a terminal a success prints one dim line with a possible next step", async () => {
  expect(await onTerminal(["membrane", "create", "--id", "it's"])).toContain(
    String.raw`${DIM}Next: capi membrane export --id 'it'\''s' --uri https://…`,
  );
  await installation.succeed(["membrane", "create", "--id", "later"]);
  expect(await onTerminal(["membrane", "query"])).toContain("--last-id 'it'");
  expect(await onTerminal(["membrane", "query", "--limit", "5"])).not.toContain("--last-id");
  const exported = await onTerminal(["membrane", "export", "--id", "later", "--uri", "https://a.test/"]);
  expect(exported).toContain(`${DIM}Next: capi request @FILE`);
});

test("a terminal is warned once of secrets on the command line, and not of what is in a file", async () => {
  const key = await installation.file("key.txt", "X-Api-Key: k\n");
  await installation.succeed(["membrane", "create", "--id", "keys"]);
  const args = ["membrane", "export", "--id", "keys", "--uri", "https://a.test/", "--header"];
  const shown = await onTerminal([...args, "X-Api-Key: swordfish", "--header", "X-B: c"], { NO_COLOR: "1" });
  expect(shown.match(/WARNING.*/g)).toEqual([
    expect.stringMatching(/^WARNING --header: other users of this machine .* @FILE/),
  ]);
  expect(shown).not.toContain("swordfish");
  expect(await onTerminal([...args, `@${key}`])).not.toContain("WARNING");
});

test("only the response is written to a pipe", async () => {
  expect(await installation.capi(["membrane", "create", "--id", "piped"])).toMatchObject({
    code: 0,
    stderr: "",
  });
  expect(await installation.capi(["membrane", "query"])).toMatchObject({ code: 0, stderr: "" });
});

test("FAILED is red on a terminal, unless NO_COLOR is set", async () => {
  const args = ["membrane", "revoke", "--capability", `@${join(installation.path, "none")}`];
  expect(await onTerminal(args)).toContain(`${RED}FAILED`);
  expect(await onTerminal(args, { NO_COLOR: "1" })).not.toContain(RED);
  expect((await installation.capi(args)).stderr).toMatch(/^FAILED\n/);
});
