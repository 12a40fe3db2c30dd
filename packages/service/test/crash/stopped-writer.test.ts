import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { startContinuousWriter } from "../../../testkit/src/continuous-writer.ts";
import { call, createMembrane, expectStatus, exportThrough } from "../../../testkit/src/client.ts";
import { initDataDirectory } from "../../../testkit/src/data-directory.ts";
import { PATIENT_WRITES, spawnService } from "../../../testkit/src/process.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { holdLmdbWriteLock } from "../../../testkit/src/write-lock.ts";

/* Another process on the same store that stops in its transaction, its commit or its flush must delay no response. */

const HASTY = { flags: ["--store-write-timeout-ms", "500"] };
const PATIENT = { flags: PATIENT_WRITES };
const ROUNDS = 25;

test("with another process stopped at any point of a write, every revoke gets a response, and a repeat takes effect", async () => {
  await using data = await initDataDirectory();
  await using target = await startTarget();
  const membranes = [];
  {
    await using patient = await spawnService(data.path, PATIENT);
    for (let i = 0; i < ROUNDS; i += 1) {
      const { revoke, export: exporting } = await createMembrane(patient, data.tokens.create, `m${i}`);
      membranes.push({ revoke, token: await exportThrough(patient, exporting, { uri: target.url }) });
    }
    await patient.end("SIGTERM");
  }
  await using service = await spawnService(data.path, HASTY);
  await using other = await startContinuousWriter(data.path);
  const statuses = new Set<number>();
  for (const [round, { revoke, token }] of membranes.entries()) {
    // At varying points of the other process's writes.
    await setTimeout((round * 7) % 31);
    other.stop();
    const responses = await Promise.all([
      call(service, revoke),
      call(service, revoke),
      call(service, revoke),
    ]);
    for (const { status, json } of responses) {
      statuses.add(status);
      expect([202, 503]).toContain(status);
      if (status === 503) expect(json).toMatchObject({ code: "store_unavailable" });
    }
    if (responses.some(({ status }) => status === 202)) {
      expect(await call(service, token)).toMatchObject({ status: 401 });
    }
    other.resume();
    const repeated = await untilAcknowledged(() => call(service, revoke));
    expectStatus(repeated, 202);
    expect(await call(service, token)).toMatchObject({ status: 401 });
  }
  expect(statuses).toContain(503);
});

/** Repeats a request that gets a 503 while another process uses the same disk. */
async function untilAcknowledged<T extends { readonly status: number }>(send: () => Promise<T>): Promise<T> {
  for (let i = 0; i < 100; i += 1) {
    const response = await send();
    if (response.status !== 503) return response;
  }
  throw new Error("never acknowledged");
}

test("a service whose write hangs in another process invokes until SIGTERM, and then ends", async () => {
  await using data = await initDataDirectory();
  await using target = await startTarget();
  await using patient = await spawnService(data.path, PATIENT);
  const membrane = await createMembrane(patient, data.tokens.create, "m");
  const token = await exportThrough(patient, membrane.export, { uri: target.url });
  await patient.end("SIGTERM");
  await using service = await spawnService(data.path, HASTY);
  await using _writer = await holdLmdbWriteLock(data.path);
  expect(await call(service, membrane.revoke)).toMatchObject({
    status: 503,
    json: { code: "store_unavailable" },
  });
  expect(await call(service, token)).toMatchObject({ status: 200 });
  expect(await service.end("SIGTERM")).toEqual({ code: null, signal: "SIGKILL" });
  expect(service.logged()).toContainEqual(expect.objectContaining({ msg: "stopped" }));
});
