import { randomBytes } from "node:crypto";
import * as promises from "node:fs/promises";
import { chmod, lstat, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import type { FileSystem } from "../private-files.ts";
import type { FileKey } from "./keys.ts";
import { checkValueOf } from "./keys.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import {
  addServiceKey,
  createServiceKeyFile,
  MAX_KEYS_IN_FILE,
  readServiceKeyFile,
  retireOlderKeys,
  ServiceKeyFileError,
  syncServiceKeyFile,
} from "./service-key-file.ts";

const hexOf = (keys: readonly FileKey[]): readonly string[] =>
  keys.map(({ serviceKey }) => serviceKey.toString("hex"));

/**
 * The real file system, with a list of what was done, in the order in which it was finished.
 *
 * @param beforeLink what happens before a file gets its name.
 */
function watched(beforeLink: () => Promise<void> = () => Promise.resolve()) {
  const calls: string[] = [];
  const nameOf = (path: unknown): string => basename(String(path)).replace(/\.[0-9a-f]{16}\.tmp$/, ".tmp");
  const fs: FileSystem = {
    rm: promises.rm,
    async link(from, to) {
      await beforeLink();
      await promises.link(from, to);
      calls.push(`link ${nameOf(from)} ${nameOf(to)}`);
    },
    async open(path, flags, mode) {
      const handle = await promises.open(path, flags, mode);
      for (const method of ["writeFile", "sync"] as const) {
        const real = handle[method].bind(handle) as (...words: unknown[]) => Promise<void>;
        handle[method] = async (...words: unknown[]) => {
          await real(...words);
          calls.push(`${method} ${nameOf(path)}`);
        };
      }
      return handle;
    },
  };
  return { fs, calls };
}

test("a service key is synced before it has its name, and its name is synced before anything rests on it", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "service.key");
  const { fs, calls } = watched();
  await createServiceKeyFile(path, randomBytes, fs);
  expect(calls).toEqual([
    "writeFile service.key.tmp",
    "sync service.key.tmp",
    "link service.key.tmp service.key",
    `sync ${basename(directory.path)}`,
  ]);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test("of two first starts the second takes the key of the first, however they interleave, and it is on disk for both", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "service.key");
  let first: readonly FileKey[] | undefined;
  const late = watched(async () => {
    if (first !== undefined) return;
    // The other one starts and is done between the last look of this one and its first act.
    await createServiceKeyFile(path, randomBytes);
    first = await readServiceKeyFile(path);
  });
  await createServiceKeyFile(path, randomBytes, late.fs);
  expect(await readServiceKeyFile(path)).toEqual(first);
  expect(late.calls.at(-1)).toBe(`sync ${basename(directory.path)}`);
  await createServiceKeyFile(path, randomBytes);
  expect(await readServiceKeyFile(path)).toEqual(first);
  expect(await readdir(directory.path)).toEqual(["service.key"]);
});

test("many first starts at once read one and the same key, whole from the moment that it is there", async () => {
  for (let round = 0; round < 20; round += 1) {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "service.key");
    const seen = await Promise.all(
      Array.from({ length: 8 }, async () => {
        await createServiceKeyFile(path, randomBytes);
        return readFile(path, "utf8");
      }),
    );
    expect(new Set(seen).size).toBe(1);
    expect(hexOf(await readServiceKeyFile(path))).toEqual([seen[0]!.trim()]);
  }
});

/** The real file system, mounted read-only. */
const readOnly: FileSystem = {
  ...promises,
  open: (path, flags, mode) =>
    flags === "wx"
      ? Promise.reject(Object.assign(new Error("read-only"), { code: "EROFS" }))
      : promises.open(path, flags, mode),
};

test("a service key in a directory that cannot be written is the operator's: it is taken as it is", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "service.key");
  await expect(createServiceKeyFile(path, randomBytes, readOnly)).rejects.toThrow(
    `${path}: cannot be written: put a service key there`,
  );
  await createServiceKeyFile(path, randomBytes);
  const given = await readServiceKeyFile(path);
  await createServiceKeyFile(path, randomBytes, readOnly);
  expect(await readServiceKeyFile(path)).toEqual(given);
});

test("a key is added as the last line, through a link, and the file keeps its mode", async () => {
  await using directory = await temporaryDirectory();
  const [path, link] = [join(directory.path, "service.key"), join(directory.path, "link")];
  await createServiceKeyFile(path, randomBytes);
  await symlink(path, link);
  const present = await readServiceKeyFile(link);
  const added = randomBytes(32);
  await addServiceKey(link, present, added);
  const all = [...present, { serviceKey: added, isRetired: false }];
  expect(await readServiceKeyFile(path)).toEqual(all);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await lstat(link)).isSymbolicLink()).toBe(true);
  expect((await readdir(directory.path)).toSorted()).toEqual(["link", "service.key"]);
  await syncServiceKeyFile(link);
  await chmod(path, 0o640);
  await addServiceKey(link, all, randomBytes(32));
  expect((await stat(path)).mode & 0o777).toBe(0o640);
});

test("a file has sixteen keys at the most, and no key twice", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "service.key");
  const keys = Array.from({ length: MAX_KEYS_IN_FILE }, () => randomBytes(32).toString("hex"));
  await writeFile(path, keys.join("\n"));
  const present = await readServiceKeyFile(path);
  expect(hexOf(present)).toEqual(keys);
  await expect(addServiceKey(path, present, randomBytes(32))).rejects.toThrow("has 16 keys already");
  for (const lines of [
    [...keys, "00".repeat(32)],
    [keys[0], keys[1], keys[0]],
    [keys[0], ""],
    [keys[0], " "],
  ]) {
    await writeFile(path, `${lines.join("\n")}\n`);
    await expect(readServiceKeyFile(path)).rejects.toThrow(ServiceKeyFileError);
  }
});

test("a key that cannot be written is the operator's to append, as the message says", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "gone", "service.key");
  const refused = addServiceKey(path, [], randomBytes(32));
  await expect(refused).rejects.toThrow(/cannot be written\. Append a line .*openssl rand -hex 32/);
});

const [OLD, NEW] = ["01".repeat(32), "ef".repeat(32)];

test("the word retired before a key is read, and written again with the keys that a rotation adds", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "service.key");
  await writeFile(path, `retired ${OLD}\n${NEW}\n`);
  const keys = await readServiceKeyFile(path);
  expect(keys.map(({ isRetired }) => isRetired)).toEqual([true, false]);
  expect(hexOf(keys)).toEqual([OLD, NEW]);
  await addServiceKey(path, keys, Buffer.alloc(32, 5));
  expect(await readFile(path, "utf8")).toBe(`retired ${OLD}\n${NEW}\n${"05".repeat(32)}\n`);
});

test.each([
  [`retired  ${OLD}\n${NEW}\n`, "line 1: expected 64 lower-case hex digits"],
  [`retired\t${OLD}\n${NEW}\n`, "line 1: expected 64 lower-case hex digits"],
  [`Retired ${OLD}\n${NEW}\n`, "line 1: expected 64 lower-case hex digits"],
  [`retired${OLD}\n${NEW}\n`, "line 1: expected 64 lower-case hex digits"],
  [` retired ${OLD}\n${NEW}\n`, "line 1: expected 64 lower-case hex digits"],
  [`retired retired ${OLD}\n${NEW}\n`, "line 1: expected 64 lower-case hex digits"],
  [`retired\n${NEW}\n`, "line 1: expected 64 lower-case hex digits"],
  [`${OLD} retired\n${NEW}\n`, "line 1: expected 64 lower-case hex digits"],
  [`${OLD}\nretired ${NEW}0\n`, "line 2: expected 64 lower-case hex digits"],
  [`# note\n${NEW}\n`, "line 1: expected 64 lower-case hex digits"],
  [`${OLD}\r\n${NEW}\r\n`, "line 1: expected 64 lower-case hex digits"],
  [`${OLD}\nretired ${NEW}\n`, "line 2: marks the last key as retired"],
  [`retired ${NEW}`, "line 1: marks the last key as retired"],
  [`retired ${OLD}\n${NEW}\n${OLD}\n`, "line 3: has the same key as line 1"],
  [`${`retired ${OLD}\n`.repeat(17)}${NEW}\n`, "is too long: expected up to 16 lines"],
])("a key file with %j is refused: the message has the line, and no key", async (text, problem) => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "service.key");
  await writeFile(path, text);
  const error: unknown = await readServiceKeyFile(path).catch((refusal: unknown) => refusal);
  expect(error).toBeInstanceOf(ServiceKeyFileError);
  const { message } = error as ServiceKeyFileError;
  expect(message).toContain(`${path}: ${problem}`);
  expect(message).not.toMatch(/[0-9a-f]{8}/);
});

test("the keys before the one in use are retired, through a link, and those for a rotation to come are not", async () => {
  await using directory = await temporaryDirectory();
  const [path, link] = [join(directory.path, "service.key"), join(directory.path, "link")];
  await symlink(path, link);
  const next = "77".repeat(32);
  await writeFile(path, `${OLD}\n${"02".repeat(32)}\n${NEW}\n${next}\n`, { mode: 0o640 });
  await chmod(path, 0o640);
  const inUse = { checkValue: checkValueOf(Buffer.from(NEW, "hex")) };
  expect(await retireOlderKeys(link, inUse)).toEqual({ ok: true, value: [1, 2] });
  const marked = `retired ${OLD}\nretired ${"02".repeat(32)}\n${NEW}\n${next}\n`;
  expect(await readFile(path, "utf8")).toBe(marked);
  expect((await stat(path)).mode & 0o777).toBe(0o640);
  expect((await lstat(link)).isSymbolicLink()).toBe(true);
  // Again it changes nothing.
  const before = await stat(path);
  expect(await retireOlderKeys(link, inUse)).toEqual({ ok: true, value: [] });
  expect((await stat(path)).ino).toBe(before.ino);
});
