import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, readdir, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Profile } from "./index.ts";
import {
  changeProfile,
  createProfile,
  isProfileName,
  listProfiles,
  profileDirectory,
  readProfile,
  removeProfile,
} from "./index.ts";

let home: string;
let directory: string;

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), "capability-profiles-")));
  directory = profileDirectory(home);
});

afterEach(() => rm(home, { recursive: true }));

const bare = (name: string): Profile => ({ name, capabilities: {}, trustedCA: {} });
const full = (name: string): Profile => ({ name, capabilities: { create: "x" }, trustedCA: { h: "pem" } });
const code = (name: string): unknown => expect.objectContaining({ name: "ProfileError", code: name });
const give = async (name: string, content: string | Uint8Array): Promise<void> => {
  await mkdir(directory);
  await writeFile(join(directory, name), content);
};

describe("names", () => {
  test.each(["", "a b", "a/b", "$(x)", "ä", "a\n", "x".repeat(65)])(
    "%j cannot be the name of a new profile",
    async (name) => {
      await expect(createProfile(directory, bare(name))).rejects.toThrow(code("invalid_profile"));
      await expect(changeProfile(directory, bare(name))).rejects.toThrow(code("invalid_profile"));
      expect(await listProfiles(directory)).toEqual([]);
    },
  );

  test.each(["default", "a", "A.b_c-9", "x".repeat(64)])(
    "%j can be the name of a new profile",
    async (name) => {
      expect(isProfileName(name)).toBe(true);
      expect(await createProfile(directory, bare(name))).toBe(true);
    },
  );

  test("a profile that exists is used, whatever its name", async () => {
    await give("config", 'profile: "my work"\n');
    await changeProfile(directory, { ...bare("my work"), capabilities: { create: "x" } });
    expect((await readProfile(directory, "my work"))?.capabilities).toEqual({ create: "x" });
    expect(await removeProfile(directory, "my work")).toBe(true);
  });

  test("names that are special in JavaScript are names like any other, and nothing is inherited", async () => {
    const trustedCA = Object.fromEntries([["__proto__", "pem"]]);
    await createProfile(directory, { name: "__proto__", capabilities: {}, trustedCA });
    await createProfile(directory, bare("constructor"));
    const read = await readProfile(directory, "__proto__");
    expect(Object.entries(read!.trustedCA)).toEqual([["__proto__", "pem"]]);
    expect(read!.trustedCA["constructor"]).toBeUndefined();
    expect(await listProfiles(directory)).toEqual(["__proto__", "constructor"]);
    expect(await readProfile(directory, "toString")).toBeUndefined();
  });
});

test("a value that is not a string is refused before anything is written", async () => {
  const wrong = [
    { ...bare("a"), capabilities: { create: 5 } },
    { ...bare("a"), capabilities: { query: "\ud800" } },
    { ...bare("a"), trustedCA: { h: null } },
    { ...bare("a"), trustedCA: { "\udc00": "x" } },
    { ...bare("a"), name: 5 },
  ];
  for (const one of wrong) {
    await expect(createProfile(directory, one as never)).rejects.toThrow(code("invalid_profile"));
    await expect(changeProfile(directory, one as never)).rejects.toThrow(code("invalid_profile"));
  }
  expect(await readdir(home)).toEqual([]);
});

describe("a malformed file", () => {
  const MALFORMED = [
    ["of bad YAML", 'profile: a\nmembrane: "CANARY\n', "line 3"],
    [
      "with a wrong value",
      "profile: a\nCANARY: x\nmembrane:\n  capabilities: CANARY\n  tls: CANARY\n",
      "line [45]",
    ],
    ["not in UTF-8", Buffer.from("profile: CANARY\xe4\n", "latin1"), "UTF-8"],
  ] as const;

  describe.each(["config", "credentials"])("%s", (name) => {
    test.each(MALFORMED)(
      "%s: every operation fails, names it, shows nothing of it and overwrites nothing",
      async (_, content, keyPath) => {
        await give(name, content);
        const operations = [
          () => readProfile(directory, "a"),
          () => listProfiles(directory),
          () => createProfile(directory, full("b")),
          () => changeProfile(directory, full("b")),
          () => removeProfile(directory, "a"),
        ];
        for (const operation of operations) {
          const error: unknown = await operation().catch((error: unknown) => error);
          expect(error).toEqual(code("malformed_file"));
          expect(String(error)).toContain(join(directory, name));
          expect(String(error)).toMatch(new RegExp(keyPath));
          expect(JSON.stringify(error) + String((error as Error).stack)).not.toContain("CANARY");
        }
        expect(await readFile(join(directory, name))).toEqual(Buffer.from(content));
        expect(await readdir(directory)).toEqual([name]);
      },
    );
  });
});

test.each([
  ["a directory", (path: string) => mkdir(path, { recursive: true })],
  ["a pipe, which reads would wait for", (path: string) => void execFileSync("mkfifo", [path])],
])("%s in place of a file is refused, and no lock file is left", async (_, make) => {
  await mkdir(directory);
  await make(join(directory, "config"));
  for (const operation of [readProfile(directory, "a"), createProfile(directory, full("a"))]) {
    await expect(operation).rejects.toThrow(code("file_system"));
    await expect(operation).rejects.toThrow(`${join(directory, "config")}: expected a file`);
  }
  expect(await readdir(directory)).toEqual(["config"]);
});

test("an error of the system names the path and is kept as the cause", async () => {
  await expect(createProfile(join(home, "missing", ".capability"), full("a"))).rejects.toThrow(
    expect.objectContaining({ code: "file_system", cause: expect.objectContaining({ code: "ENOENT" }) }),
  );
  expect(await readdir(home)).toEqual([]);
});

test.each(["", ".", "home/me"])(
  "the home directory %j is refused, since secrets would be written to the working directory",
  (path) => {
    expect(() => profileDirectory(path)).toThrow(code("invalid_profile"));
  },
);
