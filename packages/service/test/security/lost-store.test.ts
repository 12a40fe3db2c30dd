import { Agent } from "undici";
import { expect, test } from "vitest";
import { call, createMembrane, exportThrough, expectStatus } from "../../../testkit/src/client.ts";
import { databaseOf, openNodeEngine } from "../../../testkit/src/postgres-engine.ts";
import { startRelay } from "../../../testkit/src/relay.ts";
import { connectionTo } from "../../../testkit/src/postgres-server.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { openStream, startEndlessTarget } from "../support/open-stream.ts";

test("a node whose database does not respond passes nothing once its lease has ended, cuts open streams, and recovers by itself", async () => {
  await using target = await startTarget();
  await using endless = await startEndlessTarget();
  await using relay = await startRelay((await connectionTo("postgres")).port);
  await using service = await startTestService({
    engine: async ({ directory, ...options }) =>
      openNodeEngine({ ...(await databaseOf(directory)), port: relay.port }, options),
  });
  const { store } = service.data;
  const membrane = await createMembrane(service, service.tokens.create, "m");
  const token = await exportThrough(service, membrane.export, { uri: target.url });
  const streaming = await exportThrough(service, membrane.export, { uri: endless.url });
  expectStatus(await call(service, token), 200);
  const agent = new Agent();
  const [idle, busy] = [
    await openStream(service, streaming, agent),
    await openStream(service, streaming, agent),
  ];

  relay.silence();
  while (store.position() !== undefined) await new Promise(setImmediate);
  endless.responses[1]!.write("late");
  await Promise.all([idle.aborted(), busy.aborted()]);
  const passed = target.requests.length;
  expect(await call(service, token)).toMatchObject({ status: 503, json: { code: "store_unavailable" } });
  expect(target.requests).toHaveLength(passed);

  relay.speak();
  while (store.position() === undefined) await store.refresh().catch(() => undefined);
  expectStatus(await call(service, token), 200);
  expect(target.requests).toHaveLength(passed + 1);
  await agent.destroy();
});
