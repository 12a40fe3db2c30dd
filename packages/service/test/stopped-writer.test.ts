import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { startBusyWriter } from "../src/testkit/busy-writer.ts";
import { call, createMembrane, expectStatus, exportThrough } from "../src/testkit/client.ts";
import { initData } from "../src/testkit/data.ts";
import { spawnService } from "../src/testkit/process.ts";
import { startTarget } from "../src/testkit/target.ts";
import { holdWriter } from "../src/testkit/writer.ts";

/* Another process on the same store that stops, in its turn, its commit or its flush, must hold up no answer. */

const FLAGS = { flags: ["--writer-deadline-ms", "500"] };
const ROUNDS = 25;

test("with another process stopped anywhere within a write, every revoke is answered, and a repeat takes effect", async () => {
  await using data = await initData();
  await using service = await spawnService(data.path, FLAGS);
  await using target = await startTarget();
  const membranes = [];
  for (let i = 0; i < ROUNDS; i += 1) {
    const { revoke, export: exporting } = await createMembrane(service, data.tokens.create, `m${i}`);
    membranes.push({ revoke, door: await exportThrough(service, exporting, { uri: target.url }) });
  }
  await using other = await startBusyWriter(data.path);
  const statuses = new Set<number>();
  for (const [round, { revoke, door }] of membranes.entries()) {
    // Not in step with what the other does.
    await setTimeout((round * 7) % 31);
    other.stop();
    const answers = await Promise.all([call(service, revoke), call(service, revoke), call(service, revoke)]);
    for (const { status, json } of answers) {
      statuses.add(status);
      expect([202, 503]).toContain(status);
      if (status === 503) expect(json).toMatchObject({ code: "store_busy" });
    }
    if (answers.some(({ status }) => status === 202)) {
      expect(await call(service, door)).toMatchObject({ status: 401 });
    }
    other.resume();
    const repeated = await untilAcknowledged(() => call(service, revoke));
    expectStatus(repeated, 202);
    expect(await call(service, door)).toMatchObject({ status: 401 });
  }
  expect(statuses).toContain(503);
});

/** Repeats what is a 503 while the other process and this one share the disk. */
async function untilAcknowledged<T extends { readonly status: number }>(send: () => Promise<T>): Promise<T> {
  for (let i = 0; i < 100; i += 1) {
    const answer = await send();
    if (answer.status !== 503) return answer;
  }
  throw new Error("never acknowledged");
}

test("a service ends at SIGTERM though its write hangs in another process, and invokes until then", async () => {
  await using data = await initData();
  await using service = await spawnService(data.path, FLAGS);
  await using target = await startTarget();
  const membrane = await createMembrane(service, data.tokens.create, "m");
  const door = await exportThrough(service, membrane.export, { uri: target.url });
  await using _writer = await holdWriter(data.path);
  expect(await call(service, membrane.revoke)).toMatchObject({ status: 503, json: { code: "store_busy" } });
  expect(await call(service, door)).toMatchObject({ status: 200 });
  expect(await service.end("SIGTERM")).toEqual({ code: null, signal: "SIGKILL" });
  expect(service.logged()).toContainEqual(expect.objectContaining({ msg: "stopped" }));
});
