import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  createFile,
  findStagedFiles,
  makePrivateDirectory,
  readIfPresent,
  replaceFile,
  stageFile,
} from "./private-files.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "membrane-files-"));
});

afterEach(() => rm(directory, { recursive: true }));

test("of many concurrent calls of createFile one creates the file, and the others see its whole text", async () => {
  const path = join(directory, "key");
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const text = `${i}`.repeat(10_000);
      return { text, won: await createFile(path, text, 0o600), seen: await readFile(path, "utf8") };
    }),
  );
  const winners = outcomes.filter(({ won }) => won);
  expect(winners).toHaveLength(1);
  for (const { seen } of outcomes) expect(seen).toBe(winners[0]!.text);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(directory)).toEqual(["key"]);
});

test("a reader during replaceFile finds the whole old text or the whole new one, and the mode is the new one", async () => {
  const path = join(directory, "leaf");
  await replaceFile(path, "a".repeat(100_000), 0o644);
  const writes = Promise.all(
    ["b", "c", "d"].map((letter) => replaceFile(path, letter.repeat(100_000), 0o600)),
  );
  for (let round = 0; round < 50; round += 1) expect(await readFile(path, "utf8")).toMatch(/^(.)\1{99999}$/);
  await writes;
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(directory)).toEqual(["leaf"]);
});

test("staged files are found; links, directories and pipes with such a name are none", async () => {
  const path = join(directory, "key");
  await writeFile(`${path}.${"0".repeat(16)}.tmp`, "");
  await writeFile(join(directory, "elsewhere"), "");
  await symlink(join(directory, "elsewhere"), `${path}.${"1".repeat(16)}.tmp`);
  await mkdir(`${path}.${"2".repeat(16)}.tmp`);
  execFileSync("mkfifo", [`${path}.${"3".repeat(16)}.tmp`]);
  expect(await findStagedFiles(path)).toEqual([`${path}.${"0".repeat(16)}.tmp`]);
});

test("a failed write leaves no file", async () => {
  await makePrivateDirectory(join(directory, "taken"));
  await expect(replaceFile(join(directory, "taken"), "text", 0o600)).rejects.toThrow();
  expect(await readdir(directory)).toEqual(["taken"]);
});

test("readIfPresent returns nothing for a missing file and throws for one that cannot be read", async () => {
  expect(await readIfPresent(join(directory, "none"))).toBeUndefined();
  await expect(readIfPresent(directory)).rejects.toThrow("EISDIR");
});

test.each([0o000, 0o022, 0o077])(
  "under the umask %i a private directory and a private file are for their owner alone, and a public file is for all",
  async (umask) => {
    const before = process.umask(umask);
    try {
      const within = join(directory, "a", "b");
      await makePrivateDirectory(within);
      await createFile(join(within, "private"), "", 0o600);
      await replaceFile(join(within, "public"), "", 0o644);
      await (await stageFile(join(within, "staged"), "", 0o600)).place();
    } finally {
      process.umask(before);
    }
    const modes = await Promise.all(
      ["a", "a/b", "a/b/private", "a/b/public", "a/b/staged"].map(
        async (path) => (await stat(join(directory, path))).mode & 0o777,
      ),
    );
    expect(modes.map((mode) => mode.toString(8))).toEqual(["700", "700", "600", "644", "600"]);
  },
);
