import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { listProfiles, readProfile } from "capability-sdk/profiles";
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.ts";
import { makeCertificate } from "../../testkit/src/tls-target.ts";
import { reveals, makeCapability, previewOf } from "./support/capabilities.ts";
import { runCapi } from "./support/program.ts";

const CONFIGURE = ["config", "configure", "--service", "membrane"];

let installation: Awaited<ReturnType<typeof temporaryDirectory>>;
let home: string;
let directory: string;
beforeEach(async () => {
  installation = await temporaryDirectory();
  home = installation.path;
  directory = join(home, ".capability");
});
afterEach(() => installation[Symbol.asyncDispose]());

test("a script configures a profile by flags, and only the owner can read the files", async () => {
  const { ca } = await makeCertificate("localhost:8443");
  const cacert = join(home, "ca.pem");
  await writeFile(cacert, ca);
  const [create, query, deleteSelf] = [makeCapability(), makeCapability(), makeCapability()];
  const flags = ["--create", create, "--query", query, "--delete-self", deleteSelf, "--cacert", cacert];
  const ended = await runCapi(home, [...CONFIGURE, ...flags]);
  expect(ended).toEqual({
    code: 0,
    stdout: "",
    stderr: `Saved the profile "default" in ${directory}/credentials\n`,
  });
  const profile = await readProfile(directory, "default");
  expect(profile?.capabilities).toEqual({ create, query, deleteSelf });
  expect({ ...profile?.trustedCA }).toEqual({ "localhost:8443": ca });
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
  for (const file of ["config", "credentials"]) {
    expect((await stat(join(directory, file))).mode & 0o777).toBe(0o600);
  }
});

test("without a terminal and without flags nothing is asked or stored, and the error lists the flags", async () => {
  const { code, stdout, stderr } = await runCapi(home, CONFIGURE);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/^FAILED/);
  for (const flag of ["--create", "--query", "--delete-self", "--cacert"]) expect(stderr).toContain(flag);
  expect(await readdir(home)).toEqual([]);
});

test.each([2, 6])("%i concurrent processes that configure profiles lose no changes", async (count) => {
  const names = Array.from({ length: count }, (_, index) => `profile-${index}`);
  const capabilities = new Map(names.map((name) => [name, makeCapability()]));
  const ended = await Promise.all(
    [...capabilities].map(([name, create]) =>
      runCapi(home, [...CONFIGURE, "--profile", name, "--create", create]),
    ),
  );
  expect(ended.map(({ code }) => code)).toEqual(names.map(() => 0));
  expect((await listProfiles(directory)).toSorted()).toEqual(names);
  for (const [name, create] of capabilities) {
    expect((await readProfile(directory, name))?.capabilities).toEqual({ create });
  }
  expect((await readdir(directory)).toSorted()).toEqual(["credentials"]);
});

test("no command for profiles prints more of a capability than its preview", async () => {
  const [create, query, wrong] = [makeCapability(), makeCapability(), makeCapability().replace("#", "?")];
  const runs = [
    await runCapi(home, [...CONFIGURE, "--create", create, "--query", query]),
    await runCapi(home, [...CONFIGURE, "--create", query]),
    await runCapi(home, [...CONFIGURE, "--create", wrong]),
    await runCapi(home, [...CONFIGURE, "--cacert", wrong]),
    await runCapi(home, ["config", "list", "--service", "membrane"]),
    await runCapi(home, ["config", "list", "--profile", "none"]),
    await runCapi(home, ["profiles"]),
    await runCapi(home, ["config", "remove", "--profile", "none"]),
    await runCapi(home, ["config", "remove", "--profile", "default"]),
    await runCapi(home, ["profiles"]),
  ];
  expect(runs.map(({ code }) => code)).toEqual([0, 0, 1, 1, 0, 1, 0, 1, 0, 0]);
  const printed = runs.map(({ stdout, stderr }) => stdout + stderr).join("");
  expect(printed).toContain(previewOf(query));
  for (const capability of [create, query, wrong]) expect(reveals(printed, capability)).toBe(false);
});

test("config list and profiles print data that scripts can parse", async () => {
  const create = makeCapability();
  await runCapi(home, [...CONFIGURE, "--profile", "work", "--create", create]);
  const listed = await runCapi(home, ["config", "list", "--profile", "work"]);
  expect(JSON.parse(listed.stdout)).toEqual({
    profile: "work",
    membrane: { capabilities: { create: previewOf(create) }, trustedCA: {} },
  });
  expect(await runCapi(home, ["profiles"])).toEqual({ code: 0, stdout: "work\n", stderr: "" });
});
