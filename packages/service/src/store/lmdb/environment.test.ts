import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../../testkit/src/temporary-directory.ts";
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
