import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { parseToken } from "capability-protocol";
import { call, createMembrane, expectStatus, exportThrough } from "../../../testkit/src/client.ts";
import { createFullStore } from "../../../testkit/src/full-store.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { copyStore } from "../../src/store/lmdb/backup.ts";

/**
 * Writes a store with this version of the code into `directory`: a record of every type and kind, and of each version that this program
 * writes, a membrane that was revoked and swept (`swept`), and one that was revoked and not swept (`beta`). Before the version of a
 * record is raised, such a store is added to `test/lifecycle/fixtures`.
 */
export async function writeStoreFixture(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const service = await startTestService();
  const { tokens } = await createFullStore(service, 9);
  const swept = await createMembrane(service, tokens.create, "swept");
  const sweptTarget = await exportThrough(service, swept.export, { uri: "https://swept.test/" });
  expectStatus(await call(service, swept.revoke, { method: "DELETE" }), 202);
  for (let more = true; more;) ({ more } = await service.data.store.sweep(1_000));

  const uri = "https://open.test/base/";
  const openTarget = await exportThrough(service, tokens["alpha export"], {
    uri,
    allowPath: true,
    allowQuery: ["a"],
    allowHeaders: ["x-open"],
  });
  const counted = await exportThrough(service, tokens["alpha export"], { uri, limits: { maxUses: 1_000 } });

  const copy = join(directory, "copy");
  await mkdir(copy);
  const revoking = await service.data.vault.open(parseToken(tokens["beta revoke"])!);
  // Directly in the store, since the service would wake its sweeper.
  await service.data.store.revoke(revoking!.capability.resource!, revoking!.capability.uid);
  await copyStore(join(service.directory, "store"), copy);
  await copyFile(join(service.directory, "service.key"), join(directory, "service.key"));
  await service.close();

  const all = {
    ...tokens,
    "swept revoke": swept.revoke,
    "swept target": sweptTarget,
    "open target": openTarget,
    counted,
  };
  await writeFile(join(directory, "tokens.json"), `${JSON.stringify(all, undefined, 2)}\n`);
  await writeFile(
    join(directory, "data.mdb.gz"),
    gzipSync(await readFile(join(copy, "data.mdb")), { level: 9 }),
  );
  await rm(copy, { recursive: true });
}
