import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../../testkit/src/temporary-directory.ts";
import { holdWriteLock } from "../../../../testkit/src/write-lock.ts";
import { StoreBusyError } from "../store.ts";
import { openEnvironment } from "./environment.ts";

test("a process does not open an environment twice, under whatever name, since its two writers would wait for each other", async () => {
  await using directory = await temporaryDirectory();
  const [store, link] = [join(directory.path, "store"), join(directory.path, "link")];
  const environment = await openEnvironment(store, 2_000);
  await symlink(store, link);
  for (const path of [store, link])
    await expect(openEnvironment(path, 2_000)).rejects.toThrow("is open in this process already");
  await environment.close();
  const again = await openEnvironment(link, 2_000);
  await again.close();
});

test("an opening does not wait longer than its deadline for a process that is stopped within a commit", async () => {
  await using directory = await temporaryDirectory();
  const store = join(directory.path, "store");
  await (await openEnvironment(store, 2_000)).close();
  const lock = await holdWriteLock(directory.path);
  await expect(openEnvironment(store, 200)).rejects.toThrow(StoreBusyError);
  await lock.release();
});
