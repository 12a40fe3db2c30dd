import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { call, createMembrane, exportThrough, expectStatus } from "../../../testkit/src/client.ts";
import type { RestartablePostgres } from "../../../testkit/src/restartable-postgres.ts";
import { startRestartablePostgres } from "../../../testkit/src/restartable-postgres.ts";
import { until } from "../../../testkit/src/until.ts";
import { checkHistory } from "../support/faults/check-history.ts";
import { createClient } from "../support/faults/client.ts";
import type { ClusterNode } from "../support/faults/cluster-node.ts";
import { startGroup } from "../support/faults/cluster.ts";
import { createRecorder } from "../support/faults/recorder.ts";
import { createStreams } from "../support/faults/streams.ts";
import { startStubTarget } from "../support/faults/stub-target.ts";

/* A node whose store is gone, for less than a lease and for longer. The faults' history says what may have passed. */

/** So long that no lease ends while a test runs. */
const LONG_LEASE = ["--lease-ms", "600000", "--lease-margin-ms", "30000"];

/** How many requests are refused in a row, each after it waited for a lease. */
const REFUSALS = 4;

interface Store {
  readonly server: RestartablePostgres;
  readonly node: ClusterNode;
}

/** Ways to lose a store, and to have it again. */
const OUTAGES = {
  "on connections that are silent": {
    begin: async ({ node }: Store) => node.relay.silence(),
    end: async ({ node }: Store) => node.relay.speak(),
  },
  "since its server has stopped": {
    begin: ({ server }: Store) => server.stop(),
    end: ({ server }: Store) => server.start(),
  },
} as const;

const WAYS = Object.keys(OUTAGES) as (keyof typeof OUTAGES)[];

async function readinessOf(node: ClusterNode): Promise<number> {
  return (await call(node.service, undefined, { path: "/readyz" })).status;
}

/** Returns the time that a process has used of all processors, in milliseconds (proc(5); a tick is 10 ms). */
async function cpuMs(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).replace(/^.*\) /s, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

test.each(WAYS)(
  "a node that does not reach its store %s serves what it knows until its lease ends, and nothing else",
  async (way) => {
    await using server = await startRestartablePostgres();
    await using group = await startGroup(server, { database: "outage", size: 1, flags: LONG_LEASE });
    await using target = await startStubTarget();
    const node = group.nodes[0]!;
    const membrane = await createMembrane(node.service, group.tokens.create, "m");
    const known = await exportThrough(node.service, membrane.export, { uri: target.url });
    const unknown = await exportThrough(node.service, membrane.export, { uri: target.url });
    expectStatus(await call(node.service, known), 200);
    await OUTAGES[way].begin({ server, node });
    for (let turn = 0; turn < REFUSALS; turn += 1) {
      expectStatus(await call(node.service, known), 200);
      expect(await call(node.service, unknown)).toMatchObject({
        status: 503,
        json: { code: "store_unavailable" },
      });
    }
    expect(await call(node.service, membrane.revoke, { method: "POST" })).toMatchObject({
      status: 503,
      json: { code: "store_unavailable" },
    });
    expectStatus(await call(node.service, known), 200);
    await OUTAGES[way].end({ server, node });
    await expect
      .poll(async () => (await call(node.service, membrane.revoke, { method: "POST" })).status, {
        timeout: 60_000,
      })
      .toBe(202);
    for (const token of [known, unknown]) expect((await call(node.service, token)).status).toBe(401);
    expect(await node.service.end("SIGTERM")).toEqual({ code: 0, signal: null });
  },
);

test.each(WAYS)(
  "a node that does not reach its store %s refuses everything after its lease, cuts its streams, says that it is not ready, waits without work, and recovers by itself",
  async (way) => {
    await using server = await startRestartablePostgres();
    await using group = await startGroup(server, { database: "outage", size: 1 });
    await using target = await startStubTarget();
    const recorder = createRecorder();
    await using client = createClient(recorder);
    await using streams = createStreams(recorder, target, client.dispatcher);
    const node = group.nodes[0]!;
    const membrane = await createMembrane(node.service, group.tokens.create, "m");
    const token = await exportThrough(node.service, membrane.export, { uri: target.url });
    const asked = { kind: "invoke", resource: "c", through: ["m"], node, token } as const;
    const untilServed = () => expect.poll(async () => (await client.ask(asked)).outcome).toBe("done");

    expectStatus(await call(node.service, token), 200);
    for (const direction of ["request", "response"] as const)
      streams.open({ direction, node, token, through: ["m"], name: direction });
    await expect
      .poll(() => recorder.history([0]).streams.every(({ passed }) => passed.length > 3))
      .toBe(true);
    expect(await readinessOf(node)).toBe(200);

    await OUTAGES[way].begin({ server, node });
    await recorder.outage("all", async () => {
      await expect.poll(async () => (await client.ask(asked)).outcome).toBe("unavailable");
      await expect.poll(() => recorder.openStreams.size).toBe(0);
      expect(await readinessOf(node)).toBe(503);
      const [cpuBefore, before] = [await cpuMs(node.service.pid), performance.now()];
      for (let turn = 0; turn < REFUSALS; turn += 1)
        expect(await client.ask(asked)).toEqual({ outcome: "unavailable" });
      const [cpu, elapsed] = [(await cpuMs(node.service.pid)) - cpuBefore, performance.now() - before];
      expect(cpu / elapsed).toBeLessThan(0.5);
    });
    await OUTAGES[way].end({ server, node });

    await untilServed();
    expect(await readinessOf(node)).toBe(200);
    const history = recorder.history([0]);
    expect(checkHistory(history)).toEqual([]);
    expect(history.operations.map(({ outcome }) => outcome)).not.toContain("refused");
    expect(await node.service.end("SIGTERM")).toEqual({ code: 0, signal: null });
  },
);

test("a revoke that another node acknowledged while a node had no store is in force when it has it again", async () => {
  await using server = await startRestartablePostgres();
  await using group = await startGroup(server, { database: "outage", size: 2 });
  await using target = await startStubTarget();
  const [lost, other] = group.nodes as [ClusterNode, ClusterNode];
  const membrane = await createMembrane(other.service, group.tokens.create, "m");
  const token = await exportThrough(other.service, membrane.export, { uri: target.url });
  for (const node of group.nodes) expectStatus(await call(node.service, token), 200);
  lost.relay.silence();
  await expect
    .poll(async () => (await call(other.service, membrane.revoke, { method: "POST" })).status, {
      timeout: 60_000,
    })
    .toBe(202);
  expect((await call(lost.service, token)).status).toBe(503);
  lost.relay.speak();
  await until("the node has applied the revoke", async () => {
    const { status } = await call(lost.service, token);
    expect(status).not.toBe(200);
    return status === 401;
  });
});
