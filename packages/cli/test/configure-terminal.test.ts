import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readProfile } from "capability-sdk/profiles";
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.ts";
import { makeCertificate } from "../../testkit/src/tls-target.ts";
import { reveals, makeCapability, previewOf } from "./support/capabilities.ts";
import { openCapi } from "./support/program.ts";
import { CTRL_C, CTRL_D, CTRL_Z } from "./support/terminal.ts";
import type { Terminal } from "../../testkit/src/pseudo-terminal.ts";

const CONFIGURE = ["config", "configure", "--service", "membrane"];

let installation: Awaited<ReturnType<typeof temporaryDirectory>>;
let home: string;
beforeEach(async () => {
  installation = await temporaryDirectory();
  home = installation.path;
});
afterEach(() => installation[Symbol.asyncDispose]());

const saved = () => readProfile(join(home, ".capability"), "default");

async function answerQuestion(terminal: Terminal, question: string, line: string): Promise<void> {
  await terminal.until(question);
  terminal.type(`${line}\r`);
}

async function expectEnd(terminal: Terminal, code: number): Promise<void> {
  await terminal.ended;
  expect(terminal.shown()).toContain(`exit code ${code}\r\n`);
  expect(terminal.shown()).toContain("terminal as before");
}

test("a user is asked for all values, and no capability is shown", async () => {
  const [create, query, deleteSelf] = [makeCapability(), makeCapability(), makeCapability()];
  const { ca } = await makeCertificate("localhost:8443");
  const file = join(home, "ca.pem");
  await writeFile(file, ca);
  using terminal = openCapi(home, CONFIGURE);
  await answerQuestion(terminal, "create capability [none]: ", create);
  await answerQuestion(terminal, "query capability [none]: ", query);
  await answerQuestion(terminal, "delete-self capability [none]: ", deleteSelf);
  await answerQuestion(terminal, "to trust for localhost:8443, if it is private [none]: ", file);
  await expectEnd(terminal, 0);
  expect(terminal.shown()).toContain(`Saved the profile "default" in ${home}/.capability/credentials`);
  expect((await saved())?.capabilities).toEqual({ create, query, deleteSelf });
  expect({ ...(await saved())?.trustedCA }).toEqual({ "localhost:8443": ca });
  for (const capability of [create, query, deleteSelf]) {
    expect(reveals(terminal.shown(), capability)).toBe(false);
  }
});

test("the second time previews are shown, Enter keeps a value, and an answer replaces it", async () => {
  const [create, query, newer] = [makeCapability(), makeCapability(), makeCapability()];
  using first = openCapi(home, CONFIGURE);
  await answerQuestion(first, "create capability [none]: ", `${create}\r${query}\r\r`);
  await expectEnd(first, 0);

  using second = openCapi(home, CONFIGURE);
  await answerQuestion(second, `create capability [${previewOf(create)}]: `, "");
  await answerQuestion(second, `query capability [${previewOf(query)}]: `, newer);
  await answerQuestion(second, "delete-self capability [none]: ", "");
  await answerQuestion(second, "if it is private [none]: ", "");
  await expectEnd(second, 0);
  expect((await saved())?.capabilities).toEqual({ create, query: newer });
  for (const capability of [create, query, newer]) {
    expect(reveals(first.shown() + second.shown(), capability)).toBe(false);
  }
});

test("three answers that are pasted at once reach their questions", async () => {
  const pasted = [makeCapability(), makeCapability(), makeCapability()];
  using terminal = openCapi(home, CONFIGURE);
  await answerQuestion(terminal, "create capability [none]: ", pasted.join("\r"));
  await answerQuestion(terminal, "if it is private [none]: ", "");
  await expectEnd(terminal, 0);
  const [create, query, deleteSelf] = pasted;
  expect((await saved())?.capabilities).toEqual({ create, query, deleteSelf });
  for (const capability of pasted) expect(reveals(terminal.shown(), capability)).toBe(false);
});

test("after a wrong answer the question is asked again, and the answer is not shown, neither then nor later", async () => {
  const [wrong, right] = [makeCapability().replace("cpblty:", "https:"), makeCapability()];
  using terminal = openCapi(home, CONFIGURE);
  await answerQuestion(terminal, "create capability [none]: ", wrong);
  await terminal.until(
    "Expected a capability URI of the form cpblty://authority/#token; this is a URL of HTTP",
  );
  await terminal.until("create capability [none]: ", 2);
  terminal.type(`${right}\r\r\r\r`);
  await expectEnd(terminal, 0);
  expect((await saved())?.capabilities).toEqual({ create: right });
  expect(reveals(terminal.shown(), wrong)).toBe(false);
});

test.each([
  ["Ctrl-C", CTRL_C],
  ["Ctrl-D", CTRL_D],
])("%s at any question leaves the files and the terminal as they were", async (_key, key) => {
  const before = makeCapability();
  using first = openCapi(home, CONFIGURE);
  await answerQuestion(first, "create capability [none]: ", `${before}\r\r\r`);
  await expectEnd(first, 0);
  const credentials = await readFile(join(home, ".capability", "credentials"));
  for (const question of ["create capability [", "query capability [", "if it is private ["]) {
    using terminal = openCapi(home, CONFIGURE);
    await terminal.until("create capability [");
    if (question !== "create capability [") terminal.type(`${makeCapability()}\r`);
    if (question === "if it is private [") terminal.type("\r\r");
    await terminal.until(question);
    terminal.type(key);
    await expectEnd(terminal, 1);
    expect(terminal.shown()).toContain("cancelled");
    expect(await readFile(join(home, ".capability", "credentials"))).toEqual(credentials);
  }
});

test("when the first dialogue is cancelled, no directory is made", async () => {
  using terminal = openCapi(home, CONFIGURE);
  await terminal.until("create capability [none]: ");
  terminal.type(`${makeCapability()}\r${CTRL_C}`);
  await expectEnd(terminal, 1);
  expect(await readdir(home)).toEqual([]);
});

test("after Ctrl-Z and fg the question is shown again, and answers are still not shown", async () => {
  const create = makeCapability();
  using terminal = openCapi(home, CONFIGURE);
  await terminal.until("create capability [none]: ");
  terminal.type(CTRL_Z);
  await terminal.until("stopped");
  await terminal.until("create capability [none]: ", 2);
  terminal.type(`${create}\r\r\r\r`);
  await expectEnd(terminal, 0);
  expect((await saved())?.capabilities).toEqual({ create });
  expect(reveals(terminal.shown(), create)).toBe(false);
});

test("an invalid profile name is refused before any question", async () => {
  using terminal = openCapi(home, [...CONFIGURE, "--profile", "a b"]);
  await expectEnd(terminal, 1);
  expect(terminal.shown()).toContain("--profile: expected 1 to 64 letters");
  expect(terminal.shown()).not.toContain("capability [");
});
