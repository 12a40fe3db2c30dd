import { err, ok } from "capability-protocol";
import { expect, test } from "vitest";
import { deferred } from "../../../testkit/src/deferred.ts";
import { sentRequestOf } from "../../../testkit/src/fixtures.ts";
import { StubLease, StubPool, stubExchange } from "../../../testkit/src/stub-http.ts";
import type { StubResponse } from "../../../testkit/src/stub-http.ts";
import type { Denial, Outcome } from "../domain/denial.ts";
import type { Uid } from "../domain/uid.ts";
import { createChunkScheduler } from "./chunk-scheduler.ts";
import type { ExchangeEnd } from "./exchange-context.ts";
import { RequestCutError } from "./in-flight-registry.ts";
import { Exchange } from "./exchange.ts";
import type { Tickable } from "./ticker.ts";
import { createAccountRegistry } from "./usage-accounts.ts";
import { createWaitingResponses } from "./waiting-responses.ts";

/* The state machine between the ports of both sides, without sockets: an own data plane meets nothing else. */

interface Driven {
  readonly ended: Promise<ExchangeEnd>;
  readonly response: StubResponse;
  readonly tick: (elapsedMs: number) => void;
  readonly revoke: () => void;
}

function start(
  pool: StubPool,
  {
    method = "GET",
    recheck = () => true,
    isConnected = true,
    isExpired = false,
    countUse,
  }: {
    readonly method?: string;
    readonly recheck?: () => boolean;
    readonly isConnected?: boolean;
    readonly isExpired?: boolean;
    readonly countUse?: () => Promise<Outcome<void>>;
  } = {},
): Driven {
  const { response } = stubExchange({ method });
  if (!isConnected) response.req.socket.disconnect();
  const accountRegistry = createAccountRegistry();
  const accounts = accountRegistry.accountsOf({ capabilities: ["c" as Uid], tenants: ["t" as Uid] });
  let revoke = (): void => undefined;
  const inFlight = {
    isRevoked: false,
    checkExpiry: () => isExpired && revoke(),
    onRevoke(listener: (cause: RequestCutError) => void) {
      revoke = () => listener(new RequestCutError(isExpired ? "EXPIRED" : "REVOKED"));
    },
    onFinish: () => undefined,
    finishInvocation: () => undefined,
  };
  const ticking = new Set<Tickable>();
  const exchange = new Exchange(
    response,
    { inFlight, accounts },
    {
      recheck,
      cors: [],
      ticker: {
        now: () => 0,
        add: (one) => void ticking.add(one),
        delete: (one) => void ticking.delete(one),
        stop: () => undefined,
      },
      minResponseRate: { windowMs: 1_000, bytesPerSecond: 1 },
      invocationTimeoutMs: 60_000,
      onBytes: () => undefined,
      chunkScheduler: createChunkScheduler(),
      waitingResponses: createWaitingResponses(1_000_000, accountRegistry),
    },
  );
  exchange.start(pool, {
    method,
    path: "/",
    sign: () => ["Authorization", "signed"],
    countUse,
    body: null,
    sentRequest: sentRequestOf({ uri: "https://example.com/" }),
    responseTimeoutMs: 1_000,
    idleTimeoutMs: 1_000,
  });
  return {
    ended: exchange.ended,
    response,
    tick: (elapsedMs) => ticking.forEach((one) => one.tick(elapsedMs)),
    revoke: () => revoke(),
  };
}

test("a response passes from one port to the other, and the request was signed for its connection", async () => {
  const lease = new StubLease();
  const { ended, response } = start(new StubPool(lease));
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
  const driven = start(pool, { recheck: () => (driven.revoke(), true) });
  const [waiter] = pool.waiting;
  waiter?.onConnection(lease);
  expect(lease.sent).toBeUndefined();
  expect(await driven.ended).toMatchObject({ kind: "denied", denial: { reason: "unauthorized" } });
});

test("a request whose capability has expired while it waited is not sent, though it has its connection", async () => {
  const lease = new StubLease();
  const { ended } = start(new StubPool(lease), { isExpired: true });
  expect(lease.sent).toBeUndefined();
  expect(await ended).toMatchObject({ kind: "denied", denial: { reason: "unauthorized" } });
});

test("a request is not sent if it is not known now whether its capability was revoked", async () => {
  const lease = new StubLease();
  const { ended } = start(new StubPool(lease), { recheck: () => false });
  expect(lease.sent).toBeUndefined();
  expect(await ended).toMatchObject({ kind: "denied", denial: { reason: "store_unavailable" } });
});

test("a response whose capability is revoked is aborted on both sides, and never looks complete", async () => {
  const lease = new StubLease();
  const { ended, response, revoke } = start(new StubPool(lease));
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
  const { ended, response } = start(pool);
  expect(pool.waiting.size).toBe(1);
  response.req.socket.disconnect();
  expect(await ended).toMatchObject({ kind: "client_disconnected" });
  expect(pool.waiting.size).toBe(0);
});

test("a request whose client has disconnected before it could start asks for no connection", async () => {
  const pool = new StubPool();
  const { ended } = start(pool, { isConnected: false });
  expect(pool.waiting.size).toBe(0);
  expect(await ended).toMatchObject({ kind: "client_disconnected" });
});

test("a client that disconnects ends the request to the target", async () => {
  const lease = new StubLease();
  const { ended, response } = start(new StubPool(lease));
  response.req.socket.disconnect();
  expect(await ended).toMatchObject({ kind: "client_disconnected" });
  expect(lease.aborted).toBeInstanceOf(Error);
});

test("a target is paused while the client takes nothing, and resumed when it does", async () => {
  const lease = new StubLease();
  const { response } = start(new StubPool(lease));
  let resumed = 0;
  lease.handler?.onHead(200, "OK", [], () => (resumed += 1));
  response.isReading = false;
  expect(lease.handler?.onData(Buffer.alloc(20_000))).toBe(false);
  expect(resumed).toBe(0);
  response.drain();
  expect(resumed).toBe(1);
  expect(lease.handler?.onData(Buffer.alloc(20_000))).toBe(true);
});

test("a kept connection that the target closes under a GET is replaced once, also if the pool leases another kept one", async () => {
  const leases = [new StubLease(), new StubLease(), new StubLease()] as const;
  const { ended } = start(new StubPool(...leases));
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
  const { ended } = start(new StubPool(lease));
  lease.handler?.onError(new Error("failed"), failure);
  expect(await ended).toMatchObject({ kind: "denied", denial: { reason } });
});

test("a request that waits longer for a connection than a response may take is denied", async () => {
  const pool = new StubPool();
  const { ended, tick } = start(pool);
  tick(999);
  expect(pool.waiting.size).toBe(1);
  tick(1_000);
  expect(await ended).toMatchObject({ kind: "denied", denial: { reason: "target_timeout" } });
  expect(pool.waiting.size).toBe(0);
});

test("sixteen informational responses are dropped, and one more is too many", async () => {
  const lease = new StubLease();
  const { ended } = start(new StubPool(lease));
  for (let count = 0; count < 16; count += 1) lease.handler?.onInformational();
  expect(lease.aborted).toBeUndefined();
  lease.handler?.onInformational();
  expect(await ended).toMatchObject({ kind: "denied", denial: { reason: "invalid_target_response" } });
  expect(lease.aborted).toBeInstanceOf(Error);
});

/** A use that is counted when the test says so. */
function pendingUse() {
  const counted = deferred<Outcome<void>>();
  let attempts = 0;
  const settle = async (act: () => void): Promise<void> => {
    act();
    await new Promise(setImmediate);
  };
  return {
    countUse: () => {
      attempts += 1;
      return counted.promise;
    },
    attempts: () => attempts,
    count: () => settle(() => counted.resolve(ok(undefined))),
    refuse: (denial: Denial) => settle(() => counted.resolve(err(denial))),
    fail: (error: Error) => settle(() => counted.reject(error)),
  };
}

test("a request whose use is counted has its connection before, and is signed and sent once it is counted", async () => {
  const [use, lease] = [pendingUse(), new StubLease()];
  const pool = new StubPool();
  let rechecks = 0;
  const recheck = (): boolean => ((rechecks += 1), true);
  const { ended } = start(pool, { countUse: use.countUse, recheck });
  expect(use.attempts()).toBe(0);
  pool.waiting.forEach((waiter) => waiter.onConnection(lease));
  expect([use.attempts(), lease.isHeld, lease.sent, rechecks]).toEqual([1, true, undefined, 0]);
  await use.count();
  expect([lease.sent?.headers, rechecks, lease.isReleased]).toEqual([["Authorization", "signed"], 1, false]);
  lease.handler?.onHead(200, "OK", [], () => undefined);
  lease.handler?.onEnd();
  expect(await ended).toMatchObject({ kind: "completed", status: 200 });
  expect(use.attempts()).toBe(1);
});

test("a request whose use is refused is not sent, and its connection is given back", async () => {
  const [use, lease] = [pendingUse(), new StubLease()];
  const { ended } = start(new StubPool(lease), { countUse: use.countUse });
  await use.refuse({ reason: "quota_exhausted", retryAfterSeconds: 7 });
  expect([lease.sent, lease.isReleased, lease.aborted]).toEqual([undefined, true, undefined]);
  expect(await ended).toMatchObject({ kind: "denied", denial: { reason: "quota_exhausted" } });
});

test("whether a use was counted is not known after a fault: nothing is sent, and the fault is reported", async () => {
  const [use, lease] = [pendingUse(), new StubLease()];
  const { ended } = start(new StubPool(lease), { countUse: use.countUse });
  const reported = expect(ended).rejects.toThrow("damaged");
  await use.fail(new Error("damaged"));
  await reported;
  expect([lease.sent, lease.isReleased]).toEqual([undefined, true]);
});

test.each([
  [
    "its client disconnects",
    ({ response }: Driven) => response.req.socket.disconnect(),
    "client_disconnected",
  ],
  ["its capability is revoked", ({ revoke }: Driven) => revoke(), "denied"],
  ["it has lasted too long", ({ tick }: Driven) => tick(60_000), "denied"],
] as const)(
  "a request that ends while its use is counted since %s gives its connection back once, and is never sent",
  async (_why, end, kind) => {
    const [use, lease] = [pendingUse(), new StubLease()];
    const driven = start(new StubPool(lease), { countUse: use.countUse });
    end(driven);
    expect(lease.isReleased).toBe(true);
    lease.isReleased = false;
    await use.count();
    expect([lease.sent, lease.isReleased, lease.aborted]).toEqual([undefined, false, undefined]);
    expect(await driven.ended).toMatchObject({ kind });
  },
);

test("a fault that comes after the client has disconnected has no effect", async () => {
  const use = pendingUse();
  const { ended, response } = start(new StubPool(new StubLease()), { countUse: use.countUse });
  response.req.socket.disconnect();
  await use.fail(new Error("late"));
  expect(await ended).toMatchObject({ kind: "client_disconnected" });
});

test("a wait for the store is not a wait for the target", async () => {
  const [use, lease] = [pendingUse(), new StubLease()];
  const { tick } = start(new StubPool(lease), { countUse: use.countUse });
  tick(59_999);
  await use.count();
  expect(lease.sent).toBeDefined();
});

test("a connection that is closed while the use is counted is replaced, and the use is counted once", async () => {
  const [use, first, second] = [pendingUse(), new StubLease(), new StubLease()];
  const { ended } = start(new StubPool(first, second), { countUse: use.countUse });
  first.isOpen = false;
  await use.count();
  expect([first.sent, second.sent?.request.method, use.attempts()]).toEqual([undefined, "GET", 1]);
  second.handler?.onHead(200, "OK", [], () => undefined);
  second.handler?.onEnd();
  expect(await ended).toMatchObject({ kind: "completed" });
});

test("a request that moves to another connection after its use is counted waits for it as long as at first", async () => {
  const [use, lease] = [pendingUse(), new StubLease()];
  const pool = new StubPool(lease);
  const { ended, tick } = start(pool, { countUse: use.countUse });
  lease.isOpen = false;
  await use.count();
  expect(pool.waiting.size).toBe(1);
  tick(999);
  expect(pool.waiting.size).toBe(1);
  tick(1_000);
  expect(await ended).toMatchObject({ kind: "denied", denial: { reason: "target_timeout" } });
  expect(pool.waiting.size).toBe(0);
});

test("a request that is sent once more is not counted again", async () => {
  const [use, first, second] = [pendingUse(), new StubLease(), new StubLease()];
  start(new StubPool(first, second), { countUse: use.countUse });
  await use.count();
  [first.isOpen, first.isClosedByTarget] = [false, true];
  first.handler?.onError(new Error("closed"), "incomplete");
  expect(second.sent).toBeDefined();
  expect([use.attempts(), second.isHeld]).toEqual([1, false]);
});
