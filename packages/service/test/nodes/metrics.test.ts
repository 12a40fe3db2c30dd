import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { call, createMembrane, expectStatus } from "../../../testkit/src/client.ts";
import { firstTokens } from "../../../testkit/src/data-directory.ts";
import { metricsAddress } from "../../../testkit/src/metrics.ts";
import { TEST_LEASE_TIMES } from "../../../testkit/src/postgres-engine.ts";
import { startRelay } from "../../../testkit/src/relay.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { until } from "../../../testkit/src/until.ts";
import { createTestDatabase, databaseAt, LEASE_FLAGS } from "../../../testkit/src/test-database.ts";

const LEASE_SECONDS = TEST_LEASE_TIMES.leaseMs / 1_000;

test("each node shows its own lease and how far it has applied the log, even while its database is gone", async () => {
  await using directory = await temporaryDirectory();
  const database = await createTestDatabase();
  await using relay = await startRelay(database.config.port);
  const [near, far] = [join(directory.path, "near"), join(directory.path, "far")];
  const [nearMetrics, farMetrics] = [await metricsAddress(), await metricsAddress()];
  await using first = await database.startNode(near, [...LEASE_FLAGS, ...nearMetrics.flags]);
  await mkdir(far, { mode: 0o700 });
  await copyFile(join(near, "service.key"), join(far, "service.key"));
  await using _second = await databaseAt(database.config, relay.port).startNode(far, [
    ...LEASE_FLAGS,
    ...farMetrics.flags,
  ]);

  const { create } = await firstTokens(near);
  const membrane = await createMembrane(first, create, "m");
  expectStatus(await call(first, membrane.revoke), 202);
  for (const metrics of [nearMetrics, farMetrics]) {
    const scrape = await metrics.scrape();
    // The revoke was acknowledged when both knew of it.
    expect(scrape.value("membrane_revocation_log_position")).toBe(1);
    expect(scrape.value("membrane_store_size_bytes")).toBeGreaterThan(1_000_000);
    expect(scrape.value("membrane_store_room_bytes")).toBeUndefined();
  }
  // On a busy machine a renewal is late at times.
  for (const metrics of [nearMetrics, farMetrics])
    await until("the node has a lease", async () => {
      const { value } = await metrics.scrape();
      const [age, lag] = [value("membrane_lease_age_seconds"), value("membrane_revocation_log_lag_entries")];
      return age !== undefined && age >= 0 && age < LEASE_SECONDS && lag !== undefined && lag <= 1;
    });

  relay.silence();
  await expect
    .poll(async () => (await farMetrics.scrape()).value("membrane_lease_age_seconds"))
    .toBeGreaterThan(2 * LEASE_SECONDS);
  const cut = await farMetrics.scrape();
  expect(cut.value("membrane_ready")).toBe(0);
  expect(cut.value("membrane_store_size_bytes")).toBeUndefined();
  expect(cut.value("membrane_revocation_log_lag_entries")).toBeUndefined();
  expect(await farMetrics.status("/readyz")).toBe(503);
  expect(await nearMetrics.status("/readyz")).toBe(200);
  relay.speak();
  await expect.poll(() => farMetrics.status("/readyz")).toBe(200);
});
