import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Profile } from "./index.ts";
import {
  changeProfile,
  createProfile,
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

const PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const profile = (name: string, create = `cpblty://localhost:8443/#${name}`): Profile => ({
  name,
  capabilities: { create, query: "cpblty://localhost:8443/#query" },
  trustedCA: { "localhost:8443": PEM },
});
const bare = (name: string): Profile => ({ name, capabilities: {}, trustedCA: {} });
const code = (name: string): unknown => expect.objectContaining({ name: "ProfileError", code: name });
const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;
const text = (name: string): Promise<string> => readFile(join(directory, name), "utf8");
const give = async (name: string, content: string | Uint8Array, mode = 0o600): Promise<void> => {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, name), content, { mode });
};

test("the profile files are in .capability in the home directory", () => {
  expect(profileDirectory("/home/someone")).toBe("/home/someone/.capability");
});

test("without files there are no profiles, and reading creates none", async () => {
  expect(await readProfile(directory, "default")).toBeUndefined();
  expect(await listProfiles(directory)).toEqual([]);
  expect(await removeProfile(directory, "default")).toBe(false);
  expect(await readdir(home)).toEqual([]);
});

test("a created profile is read and listed, with secrets and settings in separate files", async () => {
  expect(await createProfile(directory, profile("default"))).toBe(true);
  expect(await readProfile(directory, "default")).toEqual(profile("default"));
  expect(await listProfiles(directory)).toEqual(["default"]);
  expect(await text("credentials")).toBe(`---
profile: default
membrane:
  capabilities:
    create: cpblty://localhost:8443/#default
    query: cpblty://localhost:8443/#query
`);
  expect(await text("config")).toBe(`---
profile: default
membrane:
  tls:
    trustedCA:
      localhost:8443: |
        -----BEGIN CERTIFICATE-----
        MIIB
        -----END CERTIFICATE-----
`);
  expect((await readdir(directory)).toSorted()).toEqual(["config", "credentials"]);
});

test("a new directory is 0700 and new files are 0600, and existing ones get these modes when they are written", async () => {
  await createProfile(directory, profile("a"));
  expect(await modeOf(directory)).toBe(0o700);
  for (const name of ["config", "credentials"]) {
    expect(await modeOf(join(directory, name))).toBe(0o600);
    await chmod(join(directory, name), 0o644);
  }
  await chmod(directory, 0o755);
  await changeProfile(directory, { ...profile("a", "other"), trustedCA: { other: PEM } });
  expect(await modeOf(directory)).toBe(0o700);
  for (const name of ["config", "credentials"]) expect(await modeOf(join(directory, name))).toBe(0o600);
});

test("create never touches a profile that either file has", async () => {
  await give("config", "profile: settings\nmembrane: {region: r}\n");
  await give("credentials", "profile: secrets\nmembrane: {capabilities: {create: x}}\n");
  for (const name of ["settings", "secrets"])
    expect(await createProfile(directory, profile(name))).toBe(false);
  expect(await text("config")).toBe("profile: settings\nmembrane: {region: r}\n");
  expect(await text("credentials")).toBe("profile: secrets\nmembrane: {capabilities: {create: x}}\n");
});

test("of many concurrent creates of one profile, one returns true, and its profile is kept", async () => {
  const made = await Promise.all(
    Array.from({ length: 8 }, async (_, i) =>
      (await createProfile(directory, profile("a", `c${i}`))) ? i : -1,
    ),
  );
  const [winner, ...others] = made.filter((i) => i >= 0);
  expect(others).toEqual([]);
  expect((await readProfile(directory, "a"))?.capabilities.create).toBe(`c${winner}`);
});

test("a change sets the values that it names, keeps the others, and creates what is missing", async () => {
  await changeProfile(directory, profile("a", "one"));
  await changeProfile(directory, {
    name: "a",
    capabilities: { query: "two", deleteSelf: "three" },
    trustedCA: { "[::1]:8443": "other" },
  });
  expect(await readProfile(directory, "a")).toEqual({
    name: "a",
    capabilities: { create: "one", query: "two", deleteSelf: "three" },
    trustedCA: { "localhost:8443": PEM, "[::1]:8443": "other" },
  });
});

test("a change that changes nothing writes nothing", async () => {
  await createProfile(directory, profile("a"));
  const before = await Promise.all(["config", "credentials"].map((name) => stat(join(directory, name))));
  await changeProfile(directory, profile("a"));
  await changeProfile(directory, bare("a"));
  const after = await Promise.all(["config", "credentials"].map((name) => stat(join(directory, name))));
  expect(after.map(({ ino }) => ino)).toEqual(before.map(({ ino }) => ino));
});

test("a profile may have only a name", async () => {
  expect(await createProfile(directory, bare("a"))).toBe(true);
  expect(await readProfile(directory, "a")).toEqual(bare("a"));
});

test("a profile with settings only stays in one file when settings change, and so does one with secrets only", async () => {
  await give("config", "profile: settings\n");
  await changeProfile(directory, { ...bare("settings"), trustedCA: { h: PEM } });
  expect(await readProfile(directory, "settings")).toEqual({ ...bare("settings"), trustedCA: { h: PEM } });
  expect(await readdir(directory)).toEqual(["config"]);
  await rm(join(directory, "config"));
  await give("credentials", "profile: secrets\n");
  await changeProfile(directory, { ...bare("secrets"), capabilities: { create: "x" } });
  expect(await readdir(directory)).toEqual(["credentials"]);
});

test("the names come from both files, each once, the credentials' first", async () => {
  await give("config", "profile: x\n---\nprofile: b\n---\nprofile: y\n");
  await give("credentials", "profile: b\n---\nprofile: a\n---\nprofile: b\n");
  expect(await listProfiles(directory)).toEqual(["b", "a", "x", "y"]);
});

test("of two documents with the same name, the first is read", async () => {
  await give("credentials", "profile: b\nmembrane: {capabilities: {create: x}}\n---\nprofile: b\n");
  expect((await readProfile(directory, "b"))?.capabilities).toEqual({ create: "x" });
});

test("a profile is removed from both files, and the others stay byte for byte", async () => {
  await createProfile(directory, profile("a"));
  const before = [await text("config"), await text("credentials")];
  await createProfile(directory, profile("b"));
  expect(await removeProfile(directory, "b")).toBe(true);
  expect([await text("config"), await text("credentials")]).toEqual(before);
  expect(await removeProfile(directory, "b")).toBe(false);
});

describe("a link in place of a file", () => {
  test.each(["config", "credentials"])("%s stays a link, and what it points to is replaced", async (name) => {
    await mkdir(directory);
    const real = join(home, "dotfiles");
    await mkdir(real);
    await symlink("../dotfiles/second", join(directory, name));
    await symlink("third", join(real, "second"));
    for (const round of ["while the file is missing", "and once it is there"]) {
      await changeProfile(directory, {
        name: "a",
        capabilities: { create: round },
        trustedCA: { h: round },
      });
      expect(await readFile(join(real, "third"), "utf8")).toContain(round);
    }
    for (const path of [join(directory, name), join(real, "second")]) {
      expect((await lstat(path)).isSymbolicLink()).toBe(true);
    }
    expect(await modeOf(join(real, "third"))).toBe(0o600);
    expect(await readdir(real)).toHaveLength(2);
  });

  test("that leads to itself is refused", async () => {
    await mkdir(directory);
    await symlink("credentials", join(directory, "credentials"));
    await expect(createProfile(directory, profile("a"))).rejects.toThrow(code("file_system"));
    await expect(readProfile(directory, "a")).rejects.toThrow(code("file_system"));
  });
});

test("other text in a file stays byte for byte: a byte order mark, CR LF, no newline at the end", async () => {
  const theirs = Buffer.from("\uFEFFprofile: a\r\n# \u00fc\r\n---\r\nprofile: b", "utf8");
  await give("credentials", theirs);
  await createProfile(directory, bare("c"));
  const written = await readFile(join(directory, "credentials"));
  expect(written).toEqual(Buffer.concat([theirs, Buffer.from("\n---\nprofile: c\n")]));
});
