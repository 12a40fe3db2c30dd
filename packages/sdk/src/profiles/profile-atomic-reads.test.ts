import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Profile } from "./index.ts";
import { changeProfile, createProfile, readProfile } from "./index.ts";

const PEM = `${"x".repeat(64)}\n`.repeat(200);

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "capability-profiles-"));
});

afterEach(() => rm(directory, { recursive: true }));

const numbered = (name: string, number: number): Profile => ({
  name,
  capabilities: { create: `c${number}` },
  trustedCA: { h: `${number}\n${PEM}` },
});
const numberIn = (text: string | undefined): number => Number(/\d+/.exec(text ?? "")?.[0] ?? Number.NaN);

test("a reader during 200 rewrites finds only whole files, and no capability before its certificates", async () => {
  await createProfile(directory, numbered("a", 1000));
  const left = new Set(Array.from({ length: 200 }, (_, i) => 1001 + i));
  const writing = (async () => {
    for (const i of left) {
      await changeProfile(directory, numbered("a", i));
      left.delete(i);
    }
  })();
  const sizes = new Set<number>();
  const seen = new Set<number>();
  for (let round = 0; round < 100_000 && left.size > 0; round += 1) {
    for (const name of ["config", "credentials"]) {
      const { length } = await readFile(join(directory, name));
      sizes.add(length);
    }
    const read = await readProfile(directory, "a");
    const [capability, certificate] = [numberIn(read?.capabilities.create), numberIn(read?.trustedCA["h"])];
    expect(certificate).toBeGreaterThanOrEqual(capability);
    seen.add(capability);
  }
  await writing;
  expect(sizes.size).toBe(2);
  expect(seen.size).toBeGreaterThan(1);
});
