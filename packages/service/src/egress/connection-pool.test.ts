import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, LookupFunction, Server, Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { deferred } from "../../../testkit/src/deferred.ts";
import { requestFromPool } from "../../../testkit/src/pool-request.ts";
import { OK_RESPONSE, rawResponder } from "../../../testkit/src/raw-responder.ts";
import { clientOfRun } from "../../../testkit/src/upstream-client.ts";
import { targetOrigin } from "../../../testkit/src/target-origin.ts";
import type { ConnectionWaiter, UpstreamLease } from "../http1/upstream.ts";
import { ConnectionPool } from "./connection-pool.ts";
import { createConnector } from "./connector.ts";
import type { CreateConnection } from "./pooled-connection.ts";
import { parseAllowTarget } from "./allow-rule.ts";
import { createEgressPolicy } from "./policy.ts";

const policy = createEgressPolicy({
  allow: [parseAllowTarget("127.0.0.1")!],
  ownEndpoints: () => [],
  localAddresses: () => [],
  ownAuthorities: [],
});

const servers: Server[] = [];
const pools: ConnectionPool[] = [];
const accepted: Socket[] = [];
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
  accepted.splice(0).forEach((socket) => socket.destroy());
  servers.splice(0).forEach((server) => server.close());
});

async function listen(serve: (socket: Socket) => void = rawResponder(OK_RESPONSE)): Promise<number> {
  const server = createServer((socket) => {
    accepted.push(socket.on("error", () => undefined));
    serve(socket);
  });
  servers.push(server.listen(0, "127.0.0.1"));
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** Names are found when the test releases their lookup from the list; without a list none are found. */
function poolTo(
  port: number,
  connections: number,
  lookups?: (() => void)[],
  createConnection: CreateConnection = clientOfRun(),
): ConnectionPool {
  const lookup: LookupFunction = (_name, _options, callback) => {
    lookups?.push(() => callback(null, [{ address: "127.0.0.1", family: 4 }]));
  };
  const host = lookups === undefined ? "127.0.0.1" : "target.example";
  const pool = new ConnectionPool(
    {
      origin: targetOrigin(host, port),
      connections,
      maxHeaderBytes: 16_384,
      createConnection,
    },
    createConnector({ policy, connectTimeoutMs: 5_000, lookup }),
  );
  pools.push(pool);
  return pool;
}

/** Waits for a connection and keeps it. */
function holder(): ConnectionWaiter & { readonly connection: Promise<UpstreamLease> } {
  const got = deferred<UpstreamLease>();
  return {
    connection: got.promise,
    onConnection: got.resolve,
    onConnectError: (error) => expect.fail(error.message),
  };
}

test("there are never more connections than the limit", async () => {
  const pool = poolTo(await listen(), 2);
  await Promise.all(Array.from({ length: 20 }, () => requestFromPool(pool, "/")));
  expect(accepted).toHaveLength(2);
  await expect.poll(() => pool.isIdle).toBe(true);
});

test("requests get connections in the order in which they wait", async () => {
  const order: number[] = [];
  const pool = poolTo(await listen(), 1);
  const ask = async (index: number): Promise<void> => {
    await requestFromPool(pool, "/");
    order.push(index);
  };
  const all = Array.from({ length: 20 }, (_, index) => index);
  await Promise.all(all.map(ask));
  expect(order).toEqual(all);
});

test("an attempt for which no request waits any more is aborted, and makes no connection", async () => {
  const lookups: (() => void)[] = [];
  const pool = poolTo(await listen(), 1, lookups);
  const user = holder();
  pool.acquire(user);
  pool.cancel(user);
  expect(pool.isIdle).toBe(true);
  lookups[0]?.();
  const next = requestFromPool(pool, "/");
  await expect.poll(() => lookups).toHaveLength(2);
  lookups[1]?.();
  expect((await next).text).toBe("ok");
  expect(accepted).toHaveLength(1);
});

test("of several attempts the newest is aborted when a request waits no more: the oldest is nearest to a connection", async () => {
  const lookups: (() => void)[] = [];
  const pool = poolTo(await listen(), 2, lookups);
  const user = holder();
  pool.acquire(user);
  const other = requestFromPool(pool, "/");
  await expect.poll(() => lookups).toHaveLength(2);
  pool.cancel(user);
  lookups[0]?.();
  expect((await other).text).toBe("ok");
  lookups[1]?.();
  await expect.poll(() => pool.isIdle).toBe(true);
  expect([accepted.length, pool.connections]).toEqual([1, 1]);
});

test("a failed attempt fails the request that has waited longest, and the next one gets another attempt", async () => {
  const closed = await listen();
  servers.pop()?.close();
  const pool = poolTo(closed, 1);
  const results = await Promise.allSettled([requestFromPool(pool, "/"), requestFromPool(pool, "/")]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(pool.isIdle).toBe(true);
});

test("a client that cannot be made closes its connection and fails the request, and the next one gets another", async () => {
  const noMemory = new Error("no memory for another parser");
  const create = clientOfRun();
  let isFirst = true;
  const pool = poolTo(await listen(), 1, undefined, (...given) => {
    if (!isFirst) return create(...given);
    isFirst = false;
    throw noMemory;
  });
  const results = await Promise.allSettled([requestFromPool(pool, "/"), requestFromPool(pool, "/")]);
  expect(results).toMatchObject([
    { status: "rejected", reason: { code: "EGRESS_CONNECT_FAILED", cause: noMemory } },
    { status: "fulfilled", value: { text: "ok" } },
  ]);
  await expect.poll(() => accepted[0]?.closed).toBe(true);
  await expect.poll(() => pool.isIdle).toBe(true);
  expect(pool.connections).toBe(1);
});

test("a connection that came too late for a request is kept for the next one", async () => {
  const lookups: (() => void)[] = [];
  const pool = poolTo(await listen(), 2, lookups);
  const [first, second] = [requestFromPool(pool, "/"), requestFromPool(pool, "/")];
  await expect.poll(() => lookups).toHaveLength(2);
  lookups[0]?.();
  await Promise.all([first, second]);
  lookups[1]?.();
  await expect.poll(() => accepted).toHaveLength(2);
  // The first connection is kept, so that the next request gets the other one.
  await expect.poll(() => pool.isIdle).toBe(true);
  await Promise.all([requestFromPool(pool, "/"), requestFromPool(pool, "/")]);
  expect([accepted.length, lookups.length]).toEqual([2, 2]);
});

test("what a target sends on an idle connection before a request is not a response to that request", async () => {
  const lookups: (() => void)[] = [];
  const port = await listen((socket) => {
    if (accepted.length === 2) socket.write("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
    rawResponder(OK_RESPONSE)(socket);
  });
  const pool = poolTo(port, 2, lookups);
  const requests = [requestFromPool(pool, "/"), requestFromPool(pool, "/")];
  await expect.poll(() => lookups).toHaveLength(2);
  lookups[0]?.();
  await Promise.all(requests);
  lookups[1]?.();
  await expect.poll(() => accepted).toHaveLength(2);
  for (let turn = 0; turn < 10; turn += 1) await setImmediate();
  expect((await requestFromPool(pool, "/")).status).toBe(200);
});

test("a request that needs a new connection gets one, though the limit is reached by idle ones", async () => {
  const pool = poolTo(await listen(), 1);
  await requestFromPool(pool, "/");
  const user = holder();
  pool.acquireNew(user);
  expect((await user.connection).isReused).toBe(false);
  expect(accepted).toHaveLength(2);
});

test("a connection that was held and is given back goes to the request that waits, and no other is opened", async () => {
  const pool = poolTo(await listen(), 1);
  for (let round = 0; round < 3; round += 1) {
    const user = holder();
    pool.acquire(user);
    const lease = await user.connection;
    lease.hold();
    const next = requestFromPool(pool, "/");
    expect([lease.isReused, pool.isIdle]).toEqual([true, false]);
    lease.release();
    expect((await next).text).toBe("ok");
    await expect.poll(() => pool.isIdle).toBe(true);
  }
  expect(accepted).toHaveLength(1);
});

test("a held connection that the target closes is given back to no request", async () => {
  const pool = poolTo(await listen(), 1);
  await requestFromPool(pool, "/");
  await expect.poll(() => pool.isIdle).toBe(true);
  const user = holder();
  pool.acquire(user);
  const lease = await user.connection;
  lease.hold();
  accepted[0]?.end();
  await expect.poll(() => lease.isOpen).toBe(false);
  lease.release();
  expect([pool.isIdle, pool.connections]).toEqual([true, 0]);
  expect((await requestFromPool(pool, "/")).text).toBe("ok");
  expect(accepted).toHaveLength(2);
});

test("a closed pool ends the requests that wait and those in flight, and accepts no more", async () => {
  const pool = poolTo(await listen(() => undefined), 1);
  const requests = [requestFromPool(pool, "/"), requestFromPool(pool, "/")];
  await expect.poll(() => accepted).toHaveLength(1);
  const failed = Promise.allSettled(requests);
  await pool.close();
  await expect(requestFromPool(pool, "/")).rejects.toMatchObject({ code: "EGRESS_CONNECT_FAILED" });
  expect((await failed).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
});
