import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Profile } from "capability-sdk/profiles";
import { changeProfile, readProfile } from "capability-sdk/profiles";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { temporaryDirectory } from "../../../../../testkit/src/temporary-directory.ts";
import { makeCertificate } from "../../../../../testkit/src/tls-target.ts";
import { reveals, makeCapability, previewOf } from "../../../../test/support/capabilities.ts";
import { createTestIo } from "../../../../test/support/terminal.ts";
import { parseSavedCapabilities } from "../../../capability/tenant-capabilities.ts";
import { run as runConfigure } from "./run.ts";

let pem: { ca: string; key: string };
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let profiles: string;
beforeAll(async () => {
  pem = await makeCertificate("localhost:8443");
});
beforeEach(async () => {
  directory = await temporaryDirectory();
  profiles = join(directory.path, ".capability");
});
afterEach(() => directory[Symbol.asyncDispose]());

function input(capabilityUris: Profile["capabilities"] = {}, cacert?: string) {
  return {
    profile: "work",
    capabilityUris: parseSavedCapabilities(capabilityUris),
    cacert,
  };
}

async function fileOf(text: string): Promise<string> {
  const path = join(directory.path, "file.pem");
  await writeFile(path, text);
  return path;
}

/** Types each answer when its question is asked. */
async function talk(answers: readonly (readonly [question: string, answer: string])[]) {
  const io = createTestIo(profiles);
  const answerAll = async (): Promise<void> => {
    for (const [question, answer] of answers) {
      await io.stderr.until(question);
      io.stdin.write(`${answer}\r`);
    }
  };
  await Promise.all([runConfigure(input(), io), answerAll()]);
  return { stderr: io.stderr.text, stdout: io.stdout.text, stdin: io.stdin };
}

async function nothingIsStored(): Promise<void> {
  expect(await readdir(directory.path)).not.toContain(".capability");
}

describe("by flags", () => {
  test("the given values are stored, and all others of the profile stay", async () => {
    const [create, query, newer] = [makeCapability(), makeCapability(), makeCapability()];
    for (const given of [{ create, query }, { create: newer }]) {
      const io = createTestIo(profiles, false);
      await runConfigure(input(given), io);
      expect(io.stderr.text).toBe(`Saved the profile "work" in ${profiles}/credentials\n`);
      expect(io.stdout.text).toBe("");
    }
    expect((await readProfile(profiles, "work"))?.capabilities).toEqual({ create: newer, query });
  });

  test("with any flag no question is asked, also at a terminal", async () => {
    const io = createTestIo(profiles, true);
    await runConfigure(input({ query: makeCapability() }), io);
    expect(io.stderr.text).toMatch(/^Saved.*\n$/);
    expect(io.stdin.isRaw).toBe(false);
  });

  test("without a terminal and without flags, the error lists the flags", async () => {
    await expect(runConfigure(input(), createTestIo(profiles, false))).rejects.toMatchObject({
      name: "CliError",
      hint: "Give --create URI, --query URI, --delete-self URI or --cacert FILE.",
    });
    await nothingIsStored();
  });

  test("the CA is stored for each authority of the capabilities that are given with it", async () => {
    await changeProfile(profiles, {
      name: "work",
      capabilities: { query: makeCapability("old.example") },
      trustedCA: { "old.example": "kept" },
    });
    const given = { create: makeCapability("a.example"), deleteSelf: makeCapability("B.example:443") };
    await runConfigure(input(given, await fileOf(pem.ca)), createTestIo(profiles));
    expect({ ...(await readProfile(profiles, "work"))?.trustedCA }).toEqual({
      "old.example": "kept",
      "a.example": pem.ca,
      "b.example": pem.ca,
    });
  });

  test("a CA without a capability is stored for the authorities of the saved capabilities", async () => {
    await runConfigure(input({ create: makeCapability() }), createTestIo(profiles));
    const io = createTestIo(profiles);
    await runConfigure(input({}, await fileOf(pem.ca)), io);
    expect(io.stderr.text).toBe(`Saved the profile "work" in ${profiles}/config\n`);
    expect({ ...(await readProfile(profiles, "work"))?.trustedCA }).toEqual({ "localhost:8443": pem.ca });
  });

  test("a CA is refused without a given or saved capability", async () => {
    const done = runConfigure(input({}, await fileOf(pem.ca)), createTestIo(profiles));
    await expect(done).rejects.toMatchObject({
      name: "CliError",
      message: expect.stringMatching(/^--cacert: without a given or saved capability/),
    });
    await nothingIsStored();
  });

  test("only the certificates in the CA's file are stored", async () => {
    const cacert = await fileOf(`# mine\r\n${pem.key}\n${pem.ca}between${pem.ca}`);
    await runConfigure(input({ create: makeCapability() }, cacert), createTestIo(profiles));
    expect((await readProfile(profiles, "work"))?.trustedCA["localhost:8443"]).toBe(pem.ca + pem.ca);
  });

  test("a file without certificates, or with an invalid one, is refused and its name is not shown", async () => {
    const secret = makeCapability();
    const broken = pem.ca.replace(/[A-Za-z]/g, (letter) => (letter === "M" ? "N" : letter));
    const files = [await fileOf(pem.key), join(directory.path, "none"), directory.path, secret];
    for (const cacert of files) await expectRefusedFile(cacert, secret);
    for (const text of ["", broken, `${pem.ca}${pem.ca.slice(0, 200)}`])
      await expectRefusedFile(await fileOf(text), secret);
    await nothingIsStored();
  });

  async function expectRefusedFile(cacert: string, create: string): Promise<void> {
    const done = runConfigure(input({ create }, cacert), createTestIo(profiles));
    const error = await done.catch((error: unknown) => error);
    expect(error).toMatchObject({
      name: "CliError",
      message: expect.stringMatching(/^--cacert: expected the path of a file of PEM certificates/),
    });
    expect(String(error)).not.toContain(cacert);
  }

  test("an invalid profile name is refused and nothing is stored", async () => {
    const done = runConfigure(
      { ...input({ create: makeCapability() }), profile: "a b" },
      createTestIo(profiles),
    );
    await expect(done).rejects.toMatchObject({
      name: "CliError",
      message: expect.stringContaining("--profile: expected 1 to 64"),
    });
    expect(await readProfile(profiles, "a b")).toBeUndefined();
  });
});

describe("in a dialogue", () => {
  test("each capability is asked for, then the CA of their authority", async () => {
    const [create, query, deleteSelf] = [makeCapability(), makeCapability(), makeCapability()];
    const { stderr, stdout, stdin } = await talk([
      ["create capability [none]: ", ` ${create} `],
      ["query capability [none]: ", query],
      ["delete-self capability [none]: ", deleteSelf],
      [
        "file of the CA certificate to trust for localhost:8443, if it is private [none]: ",
        await fileOf(pem.ca),
      ],
      ["Saved the profile", ""],
    ]);
    const saved = await readProfile(profiles, "work");
    expect(saved?.capabilities).toEqual({ create, query, deleteSelf });
    expect({ ...saved?.trustedCA }).toEqual({ "localhost:8443": pem.ca });
    expect(stdout).toBe("");
    for (const capability of [create, query, deleteSelf]) expect(reveals(stderr, capability)).toBe(false);
    expect(stdin.isRaw).toBe(false);
  });

  test("Enter keeps a saved value, of which only a preview is shown", async () => {
    const create = makeCapability();
    await runConfigure(input({ create }, await fileOf(pem.ca)), createTestIo(profiles));
    const before = await readFile(join(profiles, "credentials"), "utf8");
    const { stderr } = await talk([
      [`create capability [${previewOf(create)}]: `, ""],
      ["query capability [none]: ", ""],
      ["delete-self capability [none]: ", ""],
      ["to trust for localhost:8443, if it is private [CN=", ""],
      ["No values were given; nothing was changed\n", ""],
    ]);
    expect(await readFile(join(profiles, "credentials"), "utf8")).toBe(before);
    expect(reveals(stderr, create)).toBe(false);
  });

  test("without a capability, no CA is asked for", async () => {
    const { stderr } = await talk([
      ["create", ""],
      ["query", ""],
      ["delete-self", ""],
      ["No values were given", ""],
    ]);
    expect(stderr).not.toContain("CA certificate");
    await nothingIsStored();
  });

  test("with several authorities, the CA of each is asked for", async () => {
    await runConfigure(input({ create: makeCapability("a.example") }), createTestIo(profiles));
    const { stderr } = await talk([
      ["create", ""],
      ["query", makeCapability("b.example")],
      ["delete-self", ""],
      ["to trust for a.example", ""],
      ["to trust for b.example", await fileOf(pem.ca)],
      ["Saved", ""],
    ]);
    expect(stderr).toContain("Saved");
    expect({ ...(await readProfile(profiles, "work"))?.trustedCA }).toEqual({ "b.example": pem.ca });
  });

  test("after three wrong answers to one question, nothing is stored", async () => {
    const secret = makeCapability("b.example").slice(1);
    const io = createTestIo(profiles);
    const done = runConfigure(input(), io);
    io.stdin.write(`${makeCapability()}\r`);
    for (const attempt of [1, 2, 3]) {
      await io.stderr.until("query capability [none]: ", attempt);
      io.stdin.write(`${secret}\r`);
    }
    await expect(done).rejects.toThrow("wrong answer, 3 times");
    expect(reveals(io.stderr.text, secret)).toBe(false);
    expect(io.stdin.isRaw).toBe(false);
    await nothingIsStored();
  });

  test("when more lines are pasted than there are questions, nothing is stored, since answers may be misplaced", async () => {
    const io = createTestIo(profiles);
    const done = runConfigure(input(), io);
    io.stdin.write([makeCapability(), "", makeCapability(), "", makeCapability(), ""].join("\r"));
    await expect(done).rejects.toThrow("there were more answers than questions");
    await nothingIsStored();
  });
});
