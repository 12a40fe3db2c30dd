import { readdir, readFile, readlink, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { openAuditFile } from "./audit-file.ts";

test("lines are appended to what is there, and a path that leads to another file is opened again", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "audit.log");
  await writeFile(path, "before\n");
  const file = openAuditFile(path);
  expect(file.endsWithinLine()).toBe(false);
  expect(file.write(Buffer.from("a\n"))).toBe(2);
  expect(file.reopen()).toBe("same");
  await rename(path, `${path}.1`);
  file.write(Buffer.from("b"));
  expect(file.endsWithinLine()).toBe(true);
  // A flush that is in progress is of the file before.
  const flushing = file.sync();
  expect(file.reopen()).toBe("opened");
  await flushing;
  file.write(Buffer.from("c\n"));
  await file.sync();
  file.close();
  expect(await readFile(`${path}.1`, "utf8")).toBe("before\na\nb");
  expect(await readFile(path, "utf8")).toBe("c\n");
});

test("what can be written and not flushed is an error of the flush, also for a file that is not written any more", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "audit.log");
  // It takes every write, and cannot be flushed.
  await symlink("/dev/null", path);
  const file = openAuditFile(path);
  expect(file.write(Buffer.from("a\n"))).toBe(2);
  await expect(file.sync()).rejects.toMatchObject({ code: "EINVAL" });
  file.write(Buffer.from("b\n"));
  await rename(path, `${path}.1`);
  expect(file.reopen()).toBe("opened");
  await expect(file.sync()).rejects.toMatchObject({ code: "EINVAL" });
  await file.sync();
  file.close();
});

test("files that were moved away and not flushed are a few, further ones stay the one that is written to, and a flush is of all", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "audit.log");
  const file = openAuditFile(path);
  await file.sync();
  let opened = 0;
  const rotate = async (): Promise<void> => {
    file.write(Buffer.from(`${opened}\n`));
    await rename(path, `${path}.${opened}`);
    file.reopen();
    opened += 1;
  };
  for (let count = 0; count < 8; count += 1) await rotate();
  await expect(rotate()).rejects.toMatchObject({ code: "EMFILE" });
  file.write(Buffer.from("more\n"));
  expect(await readFile(`${path}.8`, "utf8")).toBe("8\nmore\n");
  await file.sync();
  expect(file.reopen()).toBe("opened");
  file.close();
  expect(await openFiles(directory.path)).toEqual([]);
});

/** The files below a directory that this process has open. */
async function openFiles(directory: string): Promise<readonly string[]> {
  const descriptors = await readdir("/proc/self/fd");
  const paths = await Promise.all(
    descriptors.map((descriptor) => readlink(`/proc/self/fd/${descriptor}`).catch(() => "")),
  );
  return paths.filter((each) => each.startsWith(directory));
}

test("a directory and a missing directory are errors, and nothing is written to a disk without space", async () => {
  await using directory = await temporaryDirectory();
  expect(() => openAuditFile(directory.path)).toThrow(expect.objectContaining({ code: "EISDIR" }));
  const missing = join(directory.path, "none", "audit.log");
  expect(() => openAuditFile(missing)).toThrow(expect.objectContaining({ code: "ENOENT" }));
  const full = openAuditFile("/dev/full");
  expect(full.write(Buffer.from("a\n"))).toBe(0);
  full.close();
});
