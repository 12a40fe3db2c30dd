import { err, ok } from "capability-protocol";
import { expect, test } from "vitest";
import { deferred } from "../../../testkit/src/deferred.ts";
import type { Driven } from "../../../testkit/src/driven-exchange.ts";
import { startExchange } from "../../../testkit/src/driven-exchange.ts";
import { StubLease, StubPool } from "../../../testkit/src/stub-http.ts";
import type { Denial, Outcome } from "../domain/denial.ts";

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
  const { ended } = startExchange(pool, { countUse: use.countUse, recheck });
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
  const { ended } = startExchange(new StubPool(lease), { countUse: use.countUse });
  await use.refuse({ reason: "quota_exhausted", retryAfterSeconds: 7 });
  expect([lease.sent, lease.isReleased, lease.aborted]).toEqual([undefined, true, undefined]);
  expect(await ended).toMatchObject({ kind: "denied", denial: { reason: "quota_exhausted" } });
});

test("whether a use was counted is not known after a fault: nothing is sent, and the fault is reported", async () => {
  const [use, lease] = [pendingUse(), new StubLease()];
  const { ended } = startExchange(new StubPool(lease), { countUse: use.countUse });
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
    const driven = startExchange(new StubPool(lease), { countUse: use.countUse });
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
  const { ended, response } = startExchange(new StubPool(new StubLease()), { countUse: use.countUse });
  response.req.socket.disconnect();
  await use.fail(new Error("late"));
  expect(await ended).toMatchObject({ kind: "client_disconnected" });
});

test("a wait for the store is not a wait for the target", async () => {
  const [use, lease] = [pendingUse(), new StubLease()];
  const { tick } = startExchange(new StubPool(lease), { countUse: use.countUse });
  tick(59_999);
  await use.count();
  expect(lease.sent).toBeDefined();
});

test("a connection that is closed while the use is counted is replaced, and the use is counted once", async () => {
  const [use, first, second] = [pendingUse(), new StubLease(), new StubLease()];
  const { ended } = startExchange(new StubPool(first, second), { countUse: use.countUse });
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
  const { ended, tick } = startExchange(pool, { countUse: use.countUse });
  lease.isOpen = false;
  await use.count();
  expect(pool.waiting.size).toBe(1);
  tick(999);
  expect(pool.waiting.size).toBe(1);
  tick(1_000);
  expect(await ended).toMatchObject({ kind: "denied", denial: { reason: "target_timeout" } });
  expect(pool.waiting.size).toBe(0);
});

test("a request whose other connection, after its use is counted, cannot be opened fails after one attempt", async () => {
  const [use, lease] = [pendingUse(), new StubLease()];
  const pool = new StubPool(lease);
  const { ended } = startExchange(pool, { countUse: use.countUse });
  [lease.isOpen, lease.isClosedByTarget] = [false, true];
  await use.count();
  pool.waiting.forEach((waiter) => waiter.onConnectError(new Error("refused")));
  expect(pool.waiting.size).toBe(0);
  expect(await ended).toMatchObject({ kind: "denied", denial: { reason: "invalid_target_response" } });
});

test("a request that is sent once more is not counted again", async () => {
  const [use, first, second] = [pendingUse(), new StubLease(), new StubLease()];
  startExchange(new StubPool(first, second), { countUse: use.countUse });
  await use.count();
  [first.isOpen, first.isClosedByTarget] = [false, true];
  first.handler?.onError(new Error("closed"), "incomplete");
  expect(second.sent).toBeDefined();
  expect([use.attempts(), second.isHeld]).toEqual([1, false]);
});
