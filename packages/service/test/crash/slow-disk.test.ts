import { expect, test } from "vitest";
import { call, createMembrane, exportThrough, expectStatus } from "../../../testkit/src/client.ts";
import { initDataDirectory } from "../../../testkit/src/data-directory.ts";
import { PATIENT_WRITES, spawnService } from "../../../testkit/src/process.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { ActiveRule } from "../support/disk/faulty-disk.ts";
import type { Machine } from "../support/kills/machine.ts";
import { startMachine, startMachineOn } from "../support/kills/machine.ts";

/* A disk that takes long for a flush: the test ends it. */

const CREATIONS = 100;
const INVOCATIONS = 40;

function holdFlushes({ disk, dataFile }: Machine): ActiveRule {
  return disk.add({ calls: ["flush"], of: dataFile, action: { kind: "hold" } });
}

test("while a write waits for a slow flush, invocations and queries that write nothing do not, and a revoke overtakes the creations that wait", async () => {
  await using target = await startTarget();
  await using machine = await startMachine();
  const { node, data } = machine;
  const { service } = node;
  const membrane = await createMembrane(service, data.tokens.create, "m");
  const kept = await createMembrane(service, data.tokens.create, "kept");
  const plain = await exportThrough(service, kept.export, { uri: target.url });
  expectStatus(await call(service, plain), 200);
  const held = holdFlushes(machine);

  const order: string[] = [];
  const note = (name: string, done: Promise<unknown>): Promise<void> =>
    done.then(() => void order.push(name));
  const first = note("created", createMembrane(service, data.tokens.create, "first"));
  await expect.poll(held.hits).toBe(1);
  for (let i = 0; i < INVOCATIONS; i += 1) {
    await note(
      "invoked",
      call(service, plain).then((response) => expectStatus(response, 200)),
    );
    if (i % 10 === 0) expectStatus(await call(service, data.tokens.query, { path: "/?limit=1" }), 200);
  }
  expect(order).toEqual(Array.from({ length: INVOCATIONS }, () => "invoked"));
  const rest = Array.from({ length: CREATIONS }, (_, i) =>
    note("created", createMembrane(service, data.tokens.create, `m${i}`)),
  );
  const revoked = note(
    "revoked",
    call(service, membrane.revoke).then((response) => expectStatus(response, 202)),
  );
  // Later than the creations reach the service.
  for (let i = 0; i < INVOCATIONS; i += 1) expectStatus(await call(service, plain), 200);
  held[Symbol.dispose]();
  await Promise.all([first, ...rest, revoked]);
  // What the commits before it and its own hold, of which the first was in progress.
  expect(order.filter((name) => name !== "invoked").indexOf("revoked")).toBeLessThan(CREATIONS * 0.7);
});

test("a flush that takes longer than a write may is a 503, for what is counted too, and repeats are done when the disk is fast again", async () => {
  await using target = await startTarget();
  const data = await initDataDirectory();
  await using patient = await spawnService(data.path, { flags: PATIENT_WRITES });
  const membrane = await createMembrane(patient, data.tokens.create, "m");
  const plain = await exportThrough(patient, membrane.export, { uri: target.url });
  // Not of the membrane whose revoke may take effect meanwhile.
  const kept = await createMembrane(patient, data.tokens.create, "kept");
  const counted = await exportThrough(patient, kept.export, { uri: target.url, limits: { maxUses: 9 } });
  await patient.end("SIGTERM");
  await using machine = await startMachineOn(data, ["--store-write-timeout-ms", "300"]);
  const { service } = machine.node;
  {
    using _held = holdFlushes(machine);
    const sent = target.requests.length;
    const responses = await Promise.all([
      call(service, data.tokens.create, { body: { id: "new" } }),
      call(service, counted),
      call(service, membrane.revoke),
    ]);
    for (const response of responses)
      expect(response).toMatchObject({ status: 503, json: { code: "store_unavailable" } });
    expect(target.requests).toHaveLength(sent);
  }
  const repeat = async (token: string, options = {}): Promise<number> =>
    (await call(service, token, options)).status;
  await expect.poll(() => repeat(membrane.revoke)).toBe(202);
  expect(await repeat(plain)).toBe(401);
  const created = { body: { id: "new" } };
  // It may have been made although its client was not told so.
  await expect.poll(() => repeat(data.tokens.create, created)).toBe(409);
  expect(await service.end("SIGTERM")).toEqual({ code: 0, signal: null });
});
