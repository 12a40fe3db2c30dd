import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import type { Profile } from "./index.ts";
import { changeProfile, createProfile, readProfile, removeProfile } from "./index.ts";

// Each of these tests waits for five seconds, so they run concurrently.

async function temporaryDirectory(onTestFinished: (clean: () => Promise<void>) => void): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "capability-profiles-"));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

const profile = (name: string, text: string): Profile => ({
  name,
  capabilities: { create: text },
  trustedCA: { h: text },
});

test.concurrent("a change fails on a lock file that stays, names it, says what to do, and does not remove it", async ({
  expect,
  onTestFinished,
}) => {
  const directory = await temporaryDirectory(onTestFinished);
  await createProfile(directory, profile("a", "1"));
  await writeFile(join(directory, "credentials.lock"), "theirs");
  const before = await readFile(join(directory, "credentials"));
  const refusals = await Promise.allSettled([
    changeProfile(directory, profile("a", "2")),
    createProfile(directory, profile("b", "2")),
    removeProfile(directory, "a"),
  ]);
  for (const refusal of refusals) {
    expect(refusal).toMatchObject({ status: "rejected", reason: { name: "ProfileError", code: "locked" } });
    expect(String(refusal.status === "rejected" && refusal.reason)).toMatch(
      `${join(directory, "credentials.lock")} exists`,
    );
  }
  expect(await readFile(join(directory, "credentials"))).toEqual(before);
  expect(await readFile(join(directory, "credentials.lock"), "utf8")).toBe("theirs");
  expect(await readProfile(directory, "a")).toEqual(profile("a", "1"));
});

test.concurrent("when the lock of the configuration stays, that of the credentials is released and nothing is changed", async ({
  expect,
  onTestFinished,
}) => {
  const directory = await temporaryDirectory(onTestFinished);
  await createProfile(directory, profile("a", "1"));
  await writeFile(join(directory, "config.lock"), "");
  await expect(changeProfile(directory, profile("a", "2"))).rejects.toThrow("config.lock exists");
  expect((await readdir(directory)).toSorted()).toEqual(["config", "config.lock", "credentials"]);
  expect(await readProfile(directory, "a")).toEqual(profile("a", "1"));
});
