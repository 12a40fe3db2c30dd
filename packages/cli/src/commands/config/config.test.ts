import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { X509Certificate } from "node:crypto";
import { changeProfile, listProfiles } from "capability-sdk/profiles";
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryDirectory } from "../../../../service/src/testkit/directory.ts";
import { makeCertificate } from "../../../../service/src/testkit/tls-target.ts";
import { gives, makeCapability, previewOf } from "../../../test/capabilities.ts";
import { openWorld } from "../../../test/terminal.ts";
import { config } from "./config.ts";
import { profiles } from "../profiles.ts";

let place: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeEach(async () => {
  place = await temporaryDirectory();
});
afterEach(() => place[Symbol.asyncDispose]());

async function keep(
  name: string,
  capabilities: object,
  trustedCA: Record<string, string> = {},
): Promise<void> {
  await changeProfile(place.path, { name, capabilities, trustedCA });
}

test("config list shows previews of the capabilities, and the certificates that are trusted", async () => {
  const [create, deleteSelf] = [makeCapability(), makeCapability("b.example")];
  const { ca } = await makeCertificate("localhost:8443");
  await keep("work", { create, deleteSelf }, { "localhost:8443": ca, "b.example": ca + ca });
  const world = openWorld(place.path, false);
  await config({ name: "config list", profile: "work" }, world);
  const { fingerprint256, subject, validTo } = new X509Certificate(ca);
  const shown = `SHA-256 ${fingerprint256}, ${subject}, valid to ${new Date(validTo).toISOString().slice(0, 10)}`;
  const listed = {
    profile: "work",
    membrane: {
      capabilities: { create: previewOf(create), deleteSelf: previewOf(deleteSelf) },
      trustedCA: { "localhost:8443": shown, "b.example": `${shown}; ${shown}` },
    },
  };
  expect(world.stdout.text).toBe(`${JSON.stringify(listed, null, 2)}\n`);
  expect(world.stderr.text).toBe("");
});

test("config list shows nothing of what is neither a capability nor a certificate", async () => {
  const damaged = makeCapability().slice(0, -1);
  await keep("work", { create: damaged }, { "localhost:8443": damaged });
  const world = openWorld(place.path);
  await config({ name: "config list", profile: "work" }, world);
  expect(gives(world.stdout.text, damaged)).toBe(false);
  expect(JSON.parse(world.stdout.text)).toMatchObject({
    membrane: {
      capabilities: { create: "(not a capability URI)" },
      trustedCA: { "localhost:8443": "(not a certificate)" },
    },
  });
});

test.each(["config list", "config remove"] as const)(
  "%s of a profile that there is not says which ones there are",
  async (name) => {
    const command = { name, profile: "wrok" };
    await expect(config(command, openWorld(place.path))).rejects.toMatchObject({
      name: "Failure",
      message: 'no profile "wrok"; there is none yet',
    });
    await keep("work", { create: makeCapability() });
    await keep("home", { create: makeCapability() });
    await expect(config(command, openWorld(place.path))).rejects.toMatchObject({
      name: "Failure",
      message: 'no profile "wrok"; there is work, home',
    });
  },
);

test("config remove takes the profile out of both files, leaves others, and says what it does not do", async () => {
  const kept = makeCapability();
  const { ca } = await makeCertificate("localhost:8443");
  await keep("work", { create: makeCapability() }, { "localhost:8443": ca });
  await keep("home", { create: kept });
  const world = openWorld(place.path);
  await config({ name: "config remove", profile: "work" }, world);
  const texts = await Promise.all(
    ["config", "credentials"].map((file) => readFile(join(place.path, file), "utf8")),
  );
  expect(texts.join("")).not.toContain("work");
  expect(texts.join("")).toContain(kept);
  expect(await listProfiles(place.path)).toEqual(["home"]);
  expect(world.stderr.text).toContain("capabilities live on");
  expect(world.stdout.text).toBe("");
});

test("profiles prints the names, one a line", async () => {
  await keep("work", { create: makeCapability() });
  await keep("home", { query: makeCapability() });
  const world = openWorld(place.path);
  await profiles(world);
  expect(world.stdout.text).toBe("work\nhome\n");
  expect(world.stderr.text).toBe("");
});

test("without profiles nothing is printed but a hint for a person at a terminal", async () => {
  const [script, person] = [openWorld(place.path, false), openWorld(place.path, true)];
  await profiles(script);
  await profiles(person);
  expect([script.stdout.text, script.stderr.text, person.stdout.text]).toEqual(["", "", ""]);
  expect(person.stderr.text).toContain("capi config configure");
});
