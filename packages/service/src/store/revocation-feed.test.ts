import { expect, test } from "vitest";
import { parseUid } from "../domain/uid.ts";
import { createRevocationFeed } from "./revocation-feed.ts";
import { StoreBusyError } from "./store.ts";
import { createDelayedLog } from "../../../testkit/src/delayed-log.ts";

const A = parseUid("a".repeat(32));
const B = parseUid("b".repeat(32));

async function follow(log: ReturnType<typeof createDelayedLog>) {
  log.forget();
  const opening = createRevocationFeed(log);
  await log.respondToAll();
  const feed = await opening;
  const received: unknown[] = [];
  const stop = feed.listen((revoked) => received.push(revoked));
  return { feed, received, stop };
}

test("every caller of refresh waits until the listeners have every earlier revoke, and they get each once", async () => {
  const log = createDelayedLog();
  const { feed, received } = await follow(log);
  log.revoke(A);
  log.revoke(B);
  const refreshed = Promise.all([1, 2, 3].map(async () => feed.refresh()));
  await log.respondToAll();
  await refreshed;
  expect(received).toEqual([new Set([A, B])]);
  expect(feed.position()).toEqual(log.now());
});

test("listeners are not called while nothing is revoked", async () => {
  const log = createDelayedLog();
  const { feed, received } = await follow(log);
  log.forget();
  const refreshed = feed.refresh();
  await log.respondToAll();
  await refreshed;
  expect(received).toEqual([]);
});

test("while the store does not know its position advance returns false at once, and calls no listener", async () => {
  const log = createDelayedLog();
  const { feed, received } = await follow(log);
  expect(feed.advance()).toBe(true);
  log.revoke(A);
  expect(feed.advance()).toBe(false);
  const refreshed = feed.refresh();
  expect(feed.advance()).toBe(false);
  expect(received).toEqual([]);
  await log.respondToAll();
  await refreshed;
  expect(feed.advance()).toBe(true);
  log.forget();
  expect(feed.advance()).toBe(false);
  expect(received).toEqual([new Set([A])]);
});

test("a position that is known does not make refresh wait", async () => {
  const log = createDelayedLog();
  const { feed } = await follow(log);
  expect(feed.refresh()).toBeUndefined();
});

test("refresh is refused if the position is unknown again by the time it could be used", async () => {
  const log = createDelayedLog();
  const { feed, received } = await follow({
    ...log,
    async refresh() {
      await log.refresh();
      if (log.now().sequence > 0n) log.forget();
    },
  });
  log.revoke(A);
  const refused = expect(feed.refresh()).rejects.toThrow(StoreBusyError);
  await log.respondToAll();
  await refused;
  expect(received).toEqual([]);
});

test("a revoke after a read was sent reaches a caller that refreshes after it", async () => {
  const log = createDelayedLog();
  const { feed, received } = await follow(log);
  log.revoke(A);
  const early = feed.refresh();
  log.revoke(B);
  const late = feed.refresh();
  await log.respondToAll();
  await Promise.all([early, late]);
  const all = received.flatMap((revoked) => (revoked instanceof Set ? Array.from(revoked) : [revoked]));
  expect(new Set(all)).toEqual(new Set([A, B]));
  expect(feed.position()).toEqual(log.now());
});

test("a read that a later one has overtaken does not take the feed back", async () => {
  const log = createDelayedLog();
  const { feed } = await follow(log);
  log.forget();
  const slow = feed.refresh();
  log.revoke(A);
  const fast = feed.refresh();
  await log.respondToLast();
  await fast;
  const position = feed.position();
  expect(position).toEqual(log.now());
  await log.respondToAll();
  await slow;
  expect(feed.position()).toEqual(position);
});

test("an unknown position, as after a restore, makes everything void", async () => {
  const log = createDelayedLog();
  const { feed, received } = await follow(log);
  log.replace("another log");
  const refreshed = feed.refresh();
  await log.respondToAll();
  await refreshed;
  expect(received).toEqual(["everything"]);
});

test("an error of the store rejects the call that met it, and the next call gets every revoke", async () => {
  const log = createDelayedLog();
  const { feed, received } = await follow(log);
  log.revoke(A);
  const refused = expect(feed.refresh()).rejects.toThrow("the store is gone");
  await log.failFirst(new Error("the store is gone"));
  await refused;
  expect(received).toEqual([]);
  const refreshed = feed.refresh();
  await log.respondToAll();
  await refreshed;
  expect(received).toEqual([new Set([A])]);
});

test("a listener that was removed is not called", async () => {
  const log = createDelayedLog();
  const { feed, received, stop } = await follow(log);
  stop();
  log.revoke(A);
  const refreshed = feed.refresh();
  await log.respondToAll();
  await refreshed;
  expect(received).toEqual([]);
});

test("a listener that throws keeps the feed at its position, so that no old verdict passes for a new one", async () => {
  const log = createDelayedLog();
  const { feed, received } = await follow(log);
  const before = feed.position();
  const stop = feed.listen(() => {
    throw new Error("a listener failed");
  });
  log.revoke(A);
  const failed = expect(feed.refresh()).rejects.toThrow("a listener failed");
  await log.respondToAll();
  await failed;
  expect(feed.position()).toEqual(before);
  expect(() => feed.advance()).toThrow("a listener failed");
  stop();
  expect(feed.advance()).toBe(true);
  expect(received.at(-1)).toEqual(new Set([A]));
  expect(feed.position()).toEqual(log.now());
});

test("what was read before the feed's position holds unless it depends on what was revoked since; from another log, it does not", async () => {
  const log = createDelayedLog();
  const { feed } = await follow(log);
  const readAt = log.now();
  expect(feed.holds(readAt, new Set([A]))).toBe(true);
  log.revoke(A);
  const refreshed = feed.refresh();
  await log.respondToAll();
  await refreshed;
  expect(feed.holds(readAt, new Set([A, B]))).toBe(false);
  expect(feed.holds(readAt, new Set([B]))).toBe(true);
  expect(feed.holds({ ...readAt, log: "another log" }, new Set([B]))).toBe(false);
  expect(feed.holds({ ...log.now(), log: "another log" }, new Set([B]))).toBe(false);
});

test("what was read ahead of the feed does not hold until the feed has got there, for which a refresh waits", async () => {
  const [first, second] = [
    { log: "a log", sequence: 0n },
    { log: "a log", sequence: 1n },
  ];
  let known = first;
  const asked: unknown[] = [];
  const feed = await createRevocationFeed({
    position: () => known,
    positionMaxAgeMs: 0,
    revocationsSince: () => ({ position: known, uids: new Set([A]) }),
    async refresh(atLeast) {
      asked.push(atLeast);
      known = second;
    },
  });
  expect(feed.advance()).toBe(true);
  expect(feed.holds(second, new Set([B]))).toBe(false);
  await feed.refresh(second);
  expect(asked).toEqual([second]);
  expect(feed.holds(second, new Set([B]))).toBe(true);
  expect(feed.refresh(second)).toBeUndefined();
});
