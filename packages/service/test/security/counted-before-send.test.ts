import { ok, parseToken } from "capability-protocol";
import { expect, test } from "vitest";
import { StoreFailedError, StoreFullError } from "../../src/store/store.ts";
import { call, expectStatus } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { createFailingEngine } from "../../../testkit/src/failing-engine.ts";
import { openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import { OK_RESPONSE, rawResponder } from "../../../testkit/src/raw-responder.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startRawTarget } from "../../../testkit/src/target.ts";
import { holdWriteLock } from "../../../testkit/src/store-access.ts";

/* Another process keeps the store from writing, so that a use waits to be counted while its request has a connection. */

const ONE_CONNECTION = { maxUpstreamConnectionsPerDestination: 1 };

test("nothing is sent before the use is counted, and a revoke that is written first stops it", async () => {
  let connections = 0;
  await using target = await startRawTarget((socket) => {
    connections += 1;
    rawResponder(OK_RESPONSE)(socket);
  });
  await using service = await startTestService();
  const { token, revoke } = await exportTarget(service, { uri: target.url, limits: { maxUses: 9 } });
  const { capability } = (await service.data.vault.open(parseToken(revoke)!))!;
  await using lock = await holdWriteLock(service.directory);
  // Where the revoke waits, too, the next transaction is this one's: the use and the revoke wait for the one after it.
  const earlier = service.data.store.create([]);
  const response = call(service, token);
  await expect.poll(() => connections).toBe(1);
  const revoked = service.data.store.revoke(capability.resource!, capability.uid);
  if (!lock.holdsRevokes) await revoked;
  await new Promise((resolve) => void setTimeout(resolve, 100));
  expect(target.received()).toBe("");
  await lock.release();
  await earlier;
  expect(await revoked).toEqual(ok(undefined));
  expect((await response).status).toBe(401);
  expect(target.received()).toBe("");
});

test("a client that disconnects while its use is counted leaves its connection to the next request, and nothing is sent for it", async () => {
  let connections = 0;
  await using target = await startRawTarget((socket) => {
    connections += 1;
    rawResponder(OK_RESPONSE)(socket);
  });
  await using service = await startTestService({ limits: ONE_CONNECTION });
  const { token, export: through } = await exportTarget(service, { uri: target.url, limits: { maxUses: 2 } });
  const plain = expectStatus(await call(service, through, { body: { uri: target.url } }), 201);
  const next = plain.json.capability.split("#")[1];
  {
    await using lock = await holdWriteLock(service.directory);
    {
      await using leaving = await openRawConnection(service.port);
      leaving.send(requestHead(token));
      await expect.poll(() => connections).toBe(1);
    }
    // It has no counter, and gets the only connection that there may be.
    expect((await call(service, next)).status).toBe(200);
    await lock.release();
  }
  expect(connections).toBe(1);
  // The use of the client that left is not given back.
  await expect.poll(async () => (await call(service, token)).status).toBe(401);
  expect(target.received().match(/GET/g)).toHaveLength(2);
});

test("a store that counts nothing in time is a 503, nothing is sent, and the connection serves others", async () => {
  await using target = await startRawTarget(rawResponder(OK_RESPONSE));
  await using service = await startTestService({ limits: ONE_CONNECTION });
  const { token } = await exportTarget(service, { uri: target.url, limits: { maxUses: 9 } });
  await using lock = await holdWriteLock(service.directory);
  const responses = await Promise.all([call(service, token), call(service, token)]);
  for (const response of responses)
    expect(response).toMatchObject({ status: 503, json: { code: "store_unavailable" } });
  expect(target.received()).toBe("");
  await lock.release();
  expect((await call(service, token)).status).toBe(200);
});

test.each([
  ["store_full", new StoreFullError("full")],
  ["store_failed", new StoreFailedError("failed")],
])(
  "a use that is not counted since the store has no space or fails is a 503 %s, and nothing is sent",
  async (code, error) => {
    await using target = await startRawTarget(rawResponder(OK_RESPONSE));
    const failing = createFailingEngine();
    await using service = await startTestService({ limits: ONE_CONNECTION, engine: failing.open });
    const { token } = await exportTarget(service, { uri: target.url, limits: { maxUses: 1 } });
    failing.error = error;
    for (let i = 0; i < 3; i += 1)
      expect(await call(service, token)).toMatchObject({ status: 503, json: { code } });
    expect(target.received()).toBe("");
    failing.error = undefined;
    expect((await call(service, token)).status).toBe(200);
  },
);

test("a target that closes its connection while the use is counted gets the request on another one", async () => {
  let connections = 0;
  let closeFirst: () => void = () => undefined;
  await using target = await startRawTarget((socket) => {
    connections += 1;
    closeFirst = () => void socket.end();
    rawResponder(OK_RESPONSE)(socket);
  });
  await using service = await startTestService();
  const { token } = await exportTarget(service, { uri: target.url, limits: { maxUses: 2 } });
  expect((await call(service, token, { method: "POST" })).status).toBe(200);
  await using lock = await holdWriteLock(service.directory);
  const response = call(service, token, { method: "POST" });
  // Long enough for the request to have its connection, which is the idle one.
  await new Promise((resolve) => void setTimeout(resolve, 50));
  closeFirst();
  await new Promise((resolve) => void setTimeout(resolve, 50));
  await lock.release();
  expect((await response).status).toBe(200);
  expect(connections).toBe(2);
  expect((await call(service, token)).status).toBe(401);
});
