import { once } from "node:events";
import { Agent } from "undici";
import { expect, test } from "vitest";
import { call, createMembrane, exportThrough, expectStatus, uriOf } from "../../../testkit/src/client.ts";
import { initDataDirectory } from "../../../testkit/src/data-directory.ts";
import { spawnService } from "../../../testkit/src/process.ts";
import { startTestService, TEST_AUTHORITY } from "../../../testkit/src/service.ts";
import { openStream, startEndlessTarget } from "../support/open-stream.ts";

test("a revoke cuts the open streams of all descendants, on both sides, and no others", async () => {
  await using service = await startTestService();
  await using target = await startEndlessTarget();
  const agent = new Agent();
  const [membrane, other] = [
    await createMembrane(service, service.tokens.create, "revoked"),
    await createMembrane(service, service.tokens.create, "other"),
  ];
  const source = await exportThrough(service, membrane.export, { uri: target.url });
  const delegated = await exportThrough(service, other.export, { capability: uriOf(service, source) });
  const unrelated = await exportThrough(service, other.export, { uri: target.url });
  const doomed = [await openStream(service, source, agent), await openStream(service, delegated, agent)];
  const upstream = target.responses.map((response) => once(response, "close"));
  const stays = await openStream(service, unrelated, agent);

  expectStatus(await call(service, membrane.revoke), 202);
  for (const stream of doomed) await stream.aborted();
  await Promise.all(upstream);

  target.responses.at(-1)?.write("second");
  expect(await stays.next()).toBe("second");
  await agent.destroy();
});

test("deleteSelf cuts the open streams of its tenant", async () => {
  await using service = await startTestService();
  await using target = await startEndlessTarget();
  const agent = new Agent();
  const membrane = await createMembrane(service, service.tokens.create, "membrane");
  const token = await exportThrough(service, membrane.export, { uri: target.url });
  const stream = await openStream(service, token, agent);
  expectStatus(await call(service, service.tokens.deleteSelf), 202);
  await stream.aborted();
  await agent.destroy();
});

test("a revoke at another process cuts open streams without any further request", async () => {
  await using data = await initDataDirectory();
  await using first = await spawnService(data.path);
  await using second = await spawnService(data.path);
  await using target = await startEndlessTarget();
  const agent = new Agent();
  const [membrane, other] = [
    await createMembrane(second, data.tokens.create, "revoked"),
    await createMembrane(second, data.tokens.create, "other"),
  ];
  const source = await exportThrough(second, membrane.export, { uri: target.url });
  const capability = uriOf({ authority: TEST_AUTHORITY }, source);
  const delegated = await exportThrough(second, other.export, { capability });
  const unrelated = await exportThrough(second, other.export, { uri: target.url });
  const doomed = [await openStream(first, source, agent), await openStream(first, delegated, agent)];
  const stays = await openStream(first, unrelated, agent);

  expectStatus(await call(second, membrane.revoke), 202);
  for (const stream of doomed) await stream.aborted();

  target.responses.at(-1)?.write("second");
  expect(await stays.next()).toBe("second");
  await agent.destroy();
});
