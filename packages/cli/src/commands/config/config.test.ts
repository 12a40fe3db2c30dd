import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { X509Certificate } from "node:crypto";
import { changeProfile, listProfiles } from "capability-sdk/profiles";
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryDirectory } from "../../../../testkit/src/temporary-directory.ts";
import { makeCertificate } from "../../../../testkit/src/tls-target.ts";
import { reveals, makeCapability, previewOf } from "../../../test/support/capabilities.ts";
import { createTestIo } from "../../../test/support/terminal.ts";
import { run as runProfiles } from "../profiles/run.ts";
import { run as runCa } from "./ca/run.ts";
import { run as runList } from "./list/run.ts";
import { run as runRemove } from "./remove/run.ts";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeEach(async () => {
  directory = await temporaryDirectory();
});
afterEach(() => directory[Symbol.asyncDispose]());

async function keep(
  name: string,
  capabilities: object,
  trustedCA: Record<string, string> = {},
): Promise<void> {
  await changeProfile(directory.path, { name, capabilities, trustedCA });
}

test("config list shows previews of the capabilities, and the trusted certificates", async () => {
  const [create, deleteSelf] = [makeCapability(), makeCapability("b.example")];
  const { ca } = await makeCertificate("localhost:8443");
  await keep("work", { create, deleteSelf }, { "localhost:8443": ca, "b.example": ca + ca });
  const io = createTestIo(directory.path, false);
  await runList({ profile: "work" }, io);
  const { fingerprint256, subject, validTo } = new X509Certificate(ca);
  const shown = `SHA-256 ${fingerprint256}, ${subject}, valid to ${new Date(validTo).toISOString().slice(0, 10)}`;
  const listed = {
    profile: "work",
    membrane: {
      capabilities: { create: previewOf(create), deleteSelf: previewOf(deleteSelf) },
      trustedCA: { "localhost:8443": shown, "b.example": `${shown}; ${shown}` },
    },
  };
  expect(io.stdout.text).toBe(`${JSON.stringify(listed, null, 2)}\n`);
  expect(io.stderr.text).toBe("");
});

test("config list shows nothing of a value that is neither a capability nor a certificate", async () => {
  const damaged = makeCapability().slice(0, -1);
  await keep("work", { create: damaged }, { "localhost:8443": damaged });
  const io = createTestIo(directory.path);
  await runList({ profile: "work" }, io);
  expect(reveals(io.stdout.text, damaged)).toBe(false);
  expect(JSON.parse(io.stdout.text)).toMatchObject({
    membrane: {
      capabilities: { create: "(not a capability URI)" },
      trustedCA: { "localhost:8443": "(not a certificate)" },
    },
  });
});

test.each([
  ["config list", runList],
  ["config ca", runCa],
  ["config remove", runRemove],
] as const)("%s of a profile that does not exist lists the existing ones", async (_name, run) => {
  const input = { profile: "wrok" };
  await expect(run(input, createTestIo(directory.path))).rejects.toMatchObject({
    name: "CliError",
    message: 'no profile "wrok"; there are no profiles yet',
  });
  await keep("work", { create: makeCapability() });
  await keep("home", { create: makeCapability() });
  await expect(run(input, createTestIo(directory.path))).rejects.toMatchObject({
    name: "CliError",
    message: 'no profile "wrok"; the profiles are work, home',
  });
});

test("config ca writes each certificate that the profile trusts once, and nothing else of its text", async () => {
  const [first, second] = await Promise.all([makeCertificate("a.test"), makeCertificate("b.test")]);
  const mixed = `text\n${second.ca}${second.key}${first.ca}`;
  await keep("work", { create: makeCapability() }, { "a.test": first.ca, "b.test": mixed });
  const io = createTestIo(directory.path, false);
  await runCa({ profile: "work" }, io);
  const [of, ofSecond] = [first.ca, second.ca].map((pem) => new X509Certificate(pem).toString());
  expect(io.stdout.text).toBe(`${of}${ofSecond}`);
});

test("config ca without a certificate writes nothing, and says how a profile has one", async () => {
  const io = createTestIo(directory.path, false);
  await keep("work", { create: makeCapability() });
  await expect(runCa({ profile: "work" }, io)).rejects.toMatchObject({
    message: 'the profile "work" has no CA',
    hint: expect.stringContaining("capi config configure --profile work --cacert FILE"),
  });
  const damaged = makeCapability();
  await keep("damaged", { create: damaged }, { "a.test": damaged });
  await expect(runCa({ profile: "damaged" }, io)).rejects.toMatchObject({
    message: "the profile's CA of a.test is not a certificate",
  });
  expect(io.stdout.text).toBe("");
});

test("config remove removes the profile from both files, keeps others, and says what it does not do", async () => {
  const kept = makeCapability();
  const { ca } = await makeCertificate("localhost:8443");
  await keep("work", { create: makeCapability() }, { "localhost:8443": ca });
  await keep("home", { create: kept });
  const io = createTestIo(directory.path);
  await runRemove({ profile: "work" }, io);
  const texts = await Promise.all(
    ["config", "credentials"].map((file) => readFile(join(directory.path, file), "utf8")),
  );
  expect(texts.join("")).not.toContain("work");
  expect(texts.join("")).toContain(kept);
  expect(await listProfiles(directory.path)).toEqual(["home"]);
  expect(io.stderr.text).toContain("capabilities still work");
  expect(io.stdout.text).toBe("");
});

test("profiles prints one name per line", async () => {
  await keep("work", { create: makeCapability() });
  await keep("home", { query: makeCapability() });
  const io = createTestIo(directory.path);
  await runProfiles({}, io);
  expect(io.stdout.text).toBe("work\nhome\n");
  expect(io.stderr.text).toBe("");
});

test("without profiles only a hint is printed, and only at a terminal", async () => {
  const [script, person] = [createTestIo(directory.path, false), createTestIo(directory.path, true)];
  await runProfiles({}, script);
  await runProfiles({}, person);
  expect([script.stdout.text, script.stderr.text, person.stdout.text]).toEqual(["", "", ""]);
  expect(person.stderr.text).toContain("capi config configure");
});
