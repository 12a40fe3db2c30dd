import { expect, test } from "vitest";
import type { Driven } from "../../../testkit/src/driven-exchange.ts";
import { startExchange } from "../../../testkit/src/driven-exchange.ts";
import { StubLease, StubPool } from "../../../testkit/src/stub-http.ts";

function giveConnection(pool: StubPool): void {
  pool.waiting.forEach((waiter) => waiter.onConnection(new StubLease()));
}

/* Drives the exchange through stub ports, without sockets. */

test("a response passes from one port to the other, and the request was signed for its connection", async () => {
  const lease = new StubLease();
  const { ended, response } = startExchange(new StubPool(lease));
  expect(lease.sent?.headers).toEqual(["Authorization", "signed"]);
  lease.handler?.onHead(200, "OK", ["X-From", "target"], () => undefined);
  lease.handler?.onData(Buffer.from("body"));
  lease.handler?.onEnd();
  expect(await ended).toMatchObject({ kind: "completed", status: 200 });
  expect([response.status, response.body, response.writableEnded]).toEqual([200, "body", true]);
  expect(response.headers).toEqual(expect.arrayContaining(["X-From", "target"]));
});

test("a request whose capability was revoked while it waited is not sent, though it has its connection", async () => {
  const lease = new StubLease();
  const pool = new StubPool();
  const driven = startExchange(pool, { recheck: () => (driven.revoke(), true) });
  const [waiter] = pool.waiting;
  waiter?.onConnection(lease);
  expect(lease.sent).toBeUndefined();
  expect(await driven.ended).toMatchObject({ kind: "denied", denial: { reason: "unauthorized" } });
});

test("a request whose capability has expired while it waited is not sent, though it has its connection", async () => {
  const lease = new StubLease();
  const { ended } = startExchange(new StubPool(lease), { isExpired: true });
  expect(lease.sent).toBeUndefined();
  expect(await ended).toMatchObject({ kind: "denied", denial: { reason: "unauthorized" } });
});

test("a request is not sent if it is not known now whether its capability was revoked", async () => {
  const lease = new StubLease();
  const { ended } = startExchange(new StubPool(lease), { recheck: () => false });
  expect(lease.sent).toBeUndefined();
  expect(await ended).toMatchObject({ kind: "denied", denial: { reason: "store_unavailable" } });
});

test("a request is refused as one of which nothing was sent if it is cut at the last moment, since the log is not known", async () => {
  const lease = new StubLease();
  const pool = new StubPool();
  const driven = startExchange(pool, { recheck: () => (driven.revoke("STALE"), true) });
  pool.waiting.forEach((waiter) => waiter.onConnection(lease));
  expect(lease.sent).toBeUndefined();
  expect(await driven.ended).toMatchObject({ kind: "denied", denial: { reason: "store_unavailable" } });
});

test.each([
  ["it waits for another connection", ({ revoke }: Driven) => revoke("STALE"), true],
  ["it has another connection", ({ pool }: { readonly pool: StubPool }) => giveConnection(pool), false],
])(
  "a request that was sent on a connection that closed is refused as one that its target may have, if the log is not known while %s",
  async (_when, act, isKnown) => {
    const lease = new StubLease();
    const pool = new StubPool(lease);
    let isSentOnce = false;
    const driven = startExchange(pool, { recheck: () => !isSentOnce || isKnown });
    isSentOnce = true;
    lease.isReused = true;
    [lease.isOpen, lease.isClosedByTarget] = [false, true];
    lease.handler?.onError(new Error("closed"), "incomplete");
    act({ ...driven, pool });
    expect(await driven.ended).toMatchObject({ kind: "denied", denial: { reason: "revocations_unknown" } });
  },
);

test("a request that is cut since the log is not known can be repeated only if it was not begun to be sent", async () => {
  const lease = new StubLease();
  const sent = startExchange(new StubPool(lease));
  expect(lease.sent).toBeDefined();
  sent.revoke("STALE");
  expect(await sent.ended).toMatchObject({ kind: "denied", denial: { reason: "revocations_unknown" } });
  const waiting = startExchange(new StubPool());
  waiting.revoke("STALE");
  expect(await waiting.ended).toMatchObject({ kind: "denied", denial: { reason: "store_unavailable" } });
});

test("a request without a response that is cut since the service stops is not refused as one without a capability that works", async () => {
  const { ended, revoke } = startExchange(new StubPool(new StubLease()));
  revoke("STOPPED");
  expect(await ended).toMatchObject({ kind: "denied", denial: { reason: "service_stopping" } });
});

test("a response whose capability is revoked is aborted on both sides, and never looks complete", async () => {
  const lease = new StubLease();
  const { ended, response, revoke } = startExchange(new StubPool(lease));
  lease.handler?.onHead(200, "OK", [], () => undefined);
  revoke();
  expect(await ended).toMatchObject({ kind: "aborted", status: 200 });
  expect([response.isAborted, response.writableEnded]).toEqual([true, false]);
  expect(lease.aborted).toBeInstanceOf(Error);
  lease.handler?.onData(Buffer.from("late"));
  lease.handler?.onEnd();
  expect([response.body, response.writableEnded]).toEqual(["", false]);
});

test("a client that disconnects while its request waits for a connection waits no longer", async () => {
  const pool = new StubPool();
  const { ended, response } = startExchange(pool);
  expect(pool.waiting.size).toBe(1);
  response.req.socket.disconnect();
  expect(await ended).toMatchObject({ kind: "client_disconnected" });
  expect(pool.waiting.size).toBe(0);
});

test("a request whose client has disconnected before it could start asks for no connection", async () => {
  const pool = new StubPool();
  const { ended } = startExchange(pool, { isConnected: false });
  expect(pool.waiting.size).toBe(0);
  expect(await ended).toMatchObject({ kind: "client_disconnected" });
});

test("a client that disconnects ends the request to the target", async () => {
  const lease = new StubLease();
  const { ended, response } = startExchange(new StubPool(lease));
  response.req.socket.disconnect();
  expect(await ended).toMatchObject({ kind: "client_disconnected" });
  expect(lease.aborted).toBeInstanceOf(Error);
});

test("a target is paused while the client takes nothing, and resumed when it does", async () => {
  const lease = new StubLease();
  const { response } = startExchange(new StubPool(lease));
  let resumed = 0;
  lease.handler?.onHead(200, "OK", [], () => (resumed += 1));
  response.isReading = false;
  expect(lease.handler?.onData(Buffer.alloc(20_000))).toBe(false);
  expect(resumed).toBe(0);
  response.drain();
  expect(resumed).toBe(1);
  expect(lease.handler?.onData(Buffer.alloc(20_000))).toBe(true);
});

test("a kept connection that the target closes under a GET is replaced once, even if the pool leases another kept one", async () => {
  const leases = [new StubLease(), new StubLease(), new StubLease()] as const;
  const { ended } = startExchange(new StubPool(...leases));
  for (const lease of leases.slice(0, 2)) {
    lease.isReused = true;
    [lease.isOpen, lease.isClosedByTarget] = [false, true];
    expect(lease.sent).toBeDefined();
    lease.handler?.onError(new Error("closed"), "incomplete");
  }
  expect(leases[2].sent).toBeUndefined();
  expect(await ended).toMatchObject({ kind: "denied", denial: { reason: "invalid_target_response" } });
});

test.each([
  ["timeout", "target_timeout"],
  ["incomplete", "invalid_target_response"],
] as const)("a failure of the kind %s is denied as %s", async (failure, reason) => {
  const lease = new StubLease();
  const { ended } = startExchange(new StubPool(lease));
  lease.handler?.onError(new Error("failed"), failure);
  expect(await ended).toMatchObject({ kind: "denied", denial: { reason } });
});

test("a request that waits longer for a connection than a response may take is denied", async () => {
  const pool = new StubPool();
  const { ended, tick } = startExchange(pool);
  tick(999);
  expect(pool.waiting.size).toBe(1);
  tick(1_000);
  expect(await ended).toMatchObject({ kind: "denied", denial: { reason: "target_timeout" } });
  expect(pool.waiting.size).toBe(0);
});

test("a request that is sent again waits for its connection as long as before, from then on", async () => {
  const lease = new StubLease();
  const pool = new StubPool(lease);
  const { ended, tick } = startExchange(pool);
  tick(10_000);
  lease.isReused = true;
  [lease.isOpen, lease.isClosedByTarget] = [false, true];
  lease.handler?.onError(new Error("closed"), "incomplete");
  tick(10_999);
  expect(pool.waiting.size).toBe(1);
  tick(11_000);
  expect(await ended).toMatchObject({ kind: "denied", denial: { reason: "target_timeout" } });
});

test("sixteen informational responses are dropped, and one more is too many", async () => {
  const lease = new StubLease();
  const { ended } = startExchange(new StubPool(lease));
  for (let count = 0; count < 16; count += 1) lease.handler?.onInformational();
  expect(lease.aborted).toBeUndefined();
  lease.handler?.onInformational();
  expect(await ended).toMatchObject({ kind: "denied", denial: { reason: "invalid_target_response" } });
  expect(lease.aborted).toBeInstanceOf(Error);
});
