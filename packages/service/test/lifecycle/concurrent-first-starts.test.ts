import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createMembrane, tokenOf } from "../../../testkit/src/client.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { runMembrane, spawnService } from "../../../testkit/src/process.ts";

test("of concurrent first starts on one data directory, one makes the tenant, none overwrites a key, and the printed capabilities work", async () => {
  for (let round = 0; round < 2; round += 1) {
    await using directory = await temporaryDirectory();
    const data = join(directory.path, "data");
    const args = ["init", "--data", data, "--authority", "membrane.test", "--json"];
    const started = await Promise.all(Array.from({ length: 3 }, () => runMembrane(args)));
    const [winner, ...others] = started.filter(({ code }) => code === 0);
    expect([others, started.filter(({ code }) => code !== 0).map(({ stderr }) => stderr)]).toEqual([
      [],
      Array.from({ length: 2 }, () => expect.stringMatching(/^membrane: .*has its first tenant already/)),
    ]);
    await using service = await spawnService(data);
    await createMembrane(service, tokenOf(JSON.parse(winner!.stdout).capabilities.create), "m");
  }
});

test.each(["lock.mdb", "gate.mdb-lock"])(
  "a first start works while another one writes its %s, or was killed when it did",
  async (name) => {
    await using directory = await temporaryDirectory();
    const data = join(directory.path, "data");
    const start = () => runMembrane(["init", "--data", data, "--authority", "membrane.test"]);
    await start();
    const store = join(data, "store");
    for (const file of await readdir(store)) await rm(join(store, file));
    await writeFile(join(store, `${name}.0123456789abcdef.tmp`), "");
    expect(await start()).toMatchObject({ code: 0 });
  },
);
