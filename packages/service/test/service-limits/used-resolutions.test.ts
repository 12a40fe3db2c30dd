import { expect, test } from "vitest";
import {
  call,
  createMembrane,
  expectStatus,
  exportThrough,
  tokenOf,
  uriOf,
} from "../../../testkit/src/client.ts";
import type { RawConnection } from "../../../testkit/src/raw-connection.ts";
import { openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startStreamingTarget } from "../../../testkit/src/target.ts";

const KIB = 1024;

/** Takes some 30 KiB in memory. */
const LIMITS = {
  clientCidrs: ["127.0.0.0/8", ...Array.from({ length: 63 }, (_, block) => `${block + 1}::/16`)],
};

test("requests in flight that keep large limits in memory have a share of it; others are served, and the tenant can revoke", async () => {
  await using service = await startTestService({
    // Nothing is kept but what requests use.
    limits: { cacheBytes: 1, usedResolutionBytesTotal: 320 * KIB, shutdownTimeoutMs: 1_000 },
  });
  let inFlight = 0;
  await using target = await startStreamingTarget((request, response) => {
    if (request.url === "/at-once") return void response.end("ok");
    inFlight += 1;
    response.on("close", () => (inFlight -= 1));
  });
  const tenant = async (id: string) => {
    const made = expectStatus(await call(service, service.tokens.provision, { body: { id } }), 201);
    return createMembrane(service, tokenOf(made.json.capabilities.create), "m");
  };
  const [own, other] = [await tenant("own"), await tenant("other")];
  const exported = (by: typeof own, path: string): Promise<string> =>
    exportThrough(service, by.export, { uri: `${target.url}${path}`, limits: LIMITS });
  const revoke = await exportThrough(service, own.export, {
    capability: uriOf(service, own.revoke),
    limits: { clientCidrs: LIMITS.clientCidrs },
  });
  const atOnce = await exported(own, "at-once");
  expect(await call(service, atOnce)).toMatchObject({ status: 200 });
  const connections: RawConnection[] = [];
  let begun = 0;
  for (; begun < 20 && (await call(service, atOnce)).status === 200; begun += 1) {
    const connection = await openRawConnection(service.port);
    connections.push(connection);
    connection.send(requestHead(await exported(own, "")));
    await expect.poll(() => inFlight).toBe(begun + 1);
  }
  expect(begun).toBeGreaterThanOrEqual(2);
  expect(begun).toBeLessThan(10);
  expect(await call(service, atOnce)).toMatchObject({ status: 429, headers: { "retry-after": "1" } });
  expect(await call(service, await exported(other, "at-once"))).toMatchObject({ status: 200 });
  const small = await exportThrough(service, own.export, { uri: `${target.url}at-once` });
  expect(await call(service, small)).toMatchObject({ status: 200 });
  expect(await call(service, revoke, { method: "POST" })).toMatchObject({ status: 202 });
  await expect.poll(() => inFlight).toBe(0);
  for (const connection of connections) await connection[Symbol.asyncDispose]();
});
