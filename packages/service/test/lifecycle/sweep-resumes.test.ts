import { ok } from "capability-protocol";
import { expect, test } from "vitest";
import { createMembrane, exportThrough } from "../../../testkit/src/client.ts";
import { openTestData } from "../../../testkit/src/data-directory.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { openRawStore } from "../../../testkit/src/store-access.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { until } from "../../../testkit/src/until.ts";

const EXPORTED = 20;

test("records that a process did not sweep before it ended are swept by the next start, without another revoke", async () => {
  await using directory = await temporaryDirectory();
  await using raw = await (async () => {
    await using service = await startTestService({ directory: directory.path });
    const { export: exporting } = await createMembrane(service, service.tokens.create, "m");
    for (let i = 0; i < EXPORTED; i += 1) {
      await exportThrough(service, exporting, { uri: "https://example.com/" });
    }
    await service.close();
    // Revoked by a process that ends before it sweeps.
    const { store } = await openTestData(directory.path);
    const [tenant] = await store.tenants();
    const [membrane] = (await store.membranes(tenant!.uid, { limit: 1 })).membranes;
    expect(await store.revoke(membrane!.uid, membrane!.createdBy)).toEqual(ok(undefined));
    await store.close();
    return openRawStore(directory.path);
  })();
  expect((await raw.rows("nodes")).length).toBeGreaterThan(2 * EXPORTED);
  await using _service = await startTestService({ directory: directory.path });
  // Its bound is far less than the interval at which a sweeper checks.
  await until("the sweep ends", async () => (await raw.rows("sweep")).length === 0);
  expect((await raw.rows("nodes")).length).toBeLessThan(EXPORTED);
});
