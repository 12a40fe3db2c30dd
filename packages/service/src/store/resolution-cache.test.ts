import { expect, test } from "vitest";
import { Lineage } from "../domain/linked-lineage.ts";
import type { Uid } from "../domain/uid.ts";
import { parseUid } from "../domain/uid.ts";
import { createDelayedLog } from "../../../testkit/src/delayed-log.ts";
import { lineageOver } from "../../../testkit/src/lineage.ts";
import { createRevocationFeed } from "./revocation-feed.ts";
import type { Cacheable } from "./resolution-cache.ts";
import { createResolutionCache } from "./resolution-cache.ts";

const A = parseUid("a".repeat(32));
const B = parseUid("b".repeat(32));
const SHARED = parseUid("c".repeat(32));

const OF_A = { lineage: lineageOver(A, SHARED), bytes: 1, cacheOwner: "t" };
const OF_B = { lineage: lineageOver(B, SHARED), bytes: 1, cacheOwner: "t" };

async function open(entries = 10, bytes = 1_000) {
  const log = createDelayedLog();
  const opening = createRevocationFeed(log);
  await log.respondToAll();
  const feed = await opening;
  const clock = { now: 1_000 };
  const cache = createResolutionCache<Cacheable>(feed, { entries, bytes }, () => clock.now);
  const advance = async (): Promise<void> => {
    const refreshed = feed.refresh();
    await log.respondToAll();
    await refreshed;
  };
  return { log, feed, cache, clock, advance };
}

test("a resolution is cached until something in its lineage is revoked; others stay", async () => {
  const { log, cache, advance } = await open();
  cache.put("a", OF_A, log.now());
  cache.put("b", OF_B, log.now());
  expect(cache.get("a")).toBe(OF_A);

  log.revoke(A);
  await advance();
  expect(cache.get("a")).toBeUndefined();
  expect(cache.get("b")).toBe(OF_B);

  log.revoke(SHARED);
  await advance();
  expect(cache.get("b")).toBeUndefined();
});

test("a revoke of what no resolution depends on drops none", async () => {
  const { log, cache, advance } = await open();
  cache.put("a", OF_A, log.now());
  log.revoke(B);
  await advance();
  expect(cache.get("a")).toBe(OF_A);
});

test("a resolution that was revoked while it was read is not cached", async () => {
  const { log, cache, advance } = await open();
  const readAt = log.now();
  log.revoke(A);
  await advance();
  cache.put("a", OF_A, readAt);
  expect(cache.get("a")).toBeUndefined();
});

test("a resolution that was read before another was revoked is cached, until something in its lineage is revoked", async () => {
  const { log, cache, advance } = await open();
  const readAt = log.now();
  log.revoke(B);
  await advance();
  cache.put("a", OF_A, readAt);
  expect(cache.get("a")).toBe(OF_A);
  log.revoke(A);
  await advance();
  expect(cache.get("a")).toBeUndefined();
});

test("a resolution that was cached before the feed knew of its revoke is dropped when it does", async () => {
  const { log, feed, cache, advance } = await open();
  expect(feed.advance()).toBe(true);
  log.revoke(A);
  cache.put("a", OF_A, feed.position());
  expect(cache.get("a"), "a request from before the revoke may still use it").toBe(OF_A);

  await advance();
  expect(cache.get("a")).toBeUndefined();
});

test("a resolution from a snapshot ahead of the feed is not cached", async () => {
  const { log, cache } = await open();
  log.revoke(B);
  cache.put("a", OF_A, log.now());
  expect(cache.get("a")).toBeUndefined();
});

test.each([
  ["the log has another id", "another log"],
  ["the log starts again under its old id", "a log"],
])("all resolutions are dropped when %s", async (_what, id) => {
  const { log, cache, advance } = await open();
  log.revoke(parseUid("d".repeat(32)));
  await advance();
  cache.put("a", OF_A, log.now());
  cache.put("b", OF_B, log.now());
  log.replace(id);
  await advance();
  expect([cache.get("a"), cache.get("b")]).toEqual([undefined, undefined]);
});

test("the same number in another log is another position", async () => {
  const { log, cache, advance } = await open();
  const readAt = log.now();
  log.replace("another log");
  await advance();
  cache.put("a", OF_A, readAt);
  expect(cache.get("a")).toBeUndefined();
});

test("the least recently used resolution is evicted, and one that is put again follows only its new lineage", async () => {
  const { log, cache, advance } = await open(2);
  cache.put("old", OF_A, log.now());
  cache.put("a", OF_A, log.now());
  cache.put("b", OF_B, log.now());
  expect(cache.get("old")).toBeUndefined();

  cache.put("a", OF_B, log.now());
  log.revoke(A);
  await advance();
  expect(cache.get("a")).toBe(OF_B);
});

test("the least recently used resolutions are evicted when all hold too much memory, and one that is too large is not cached", async () => {
  const { log, cache } = await open(10, 100);
  cache.put("a", { ...OF_A, bytes: 60, cacheOwner: "t" }, log.now());
  cache.put("b", { ...OF_B, bytes: 60, cacheOwner: "t" }, log.now());
  expect(cache.get("a")).toBeUndefined();
  expect(cache.get("b")).toBeDefined();
  cache.put("huge", { ...OF_A, bytes: 101, cacheOwner: "t" }, log.now());
  expect(cache.get("huge")).toBeUndefined();
  expect(cache.get("b")).toBeDefined();
});

test("a resolution is dropped at the earliest expiry of its lineage", async () => {
  const { log, cache, clock } = await open();
  cache.put("a", { ...OF_A, expiresAt: 2_000 }, log.now());
  cache.put("b", OF_B, log.now());
  clock.now = 1_999;
  expect(cache.get("a")).toMatchObject({ expiresAt: 2_000 });
  clock.now = 2_000;
  expect(cache.get("a")).toBeUndefined();
  clock.now = 1_999;
  expect(cache.get("a"), "dropped, and not only hidden").toBeUndefined();
  clock.now = Number.MAX_SAFE_INTEGER;
  expect(cache.get("b")).toBe(OF_B);
});

test("a revoke of a membrane drops the verdict of every node below it, and none of another's", async () => {
  const { log, cache, advance } = await open();
  const node = (uid: Uid, ...above: readonly Lineage[]): Lineage =>
    new Lineage({ type: "capability", uid, kind: "export" }, above);
  const tenant = node(SHARED);
  const [a, b] = [node(A, tenant), node(B, tenant)];
  const below = ["1", "2", "3"].map((digit) => parseUid(digit.repeat(32)));
  const leaf = below.reduce((parent, uid) => node(uid, parent, tenant), a);
  cache.put("leaf", { lineage: leaf, bytes: 1, cacheOwner: "t" }, log.now());
  cache.put("other", { lineage: node(parseUid("4".repeat(32)), b), bytes: 1, cacheOwner: "t" }, log.now());
  for (const uid of [A, B, SHARED, ...below]) expect(cache.known.find(uid)?.uid).toBe(uid);

  log.revoke(A);
  await advance();
  expect([A, ...below].map((uid) => cache.known.find(uid))).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect([B, SHARED].map((uid) => cache.known.find(uid)?.uid)).toEqual([B, SHARED]);

  log.replace("another log");
  await advance();
  expect([B, SHARED].map((uid) => cache.known.find(uid))).toEqual([undefined, undefined]);
});

test("nodes are known no longer than a cached resolution depends on them", async () => {
  const { log, cache, clock } = await open(1);
  cache.put("a", OF_A, log.now());
  cache.put("b", { ...OF_B, expiresAt: 1_005 }, log.now());
  expect([A, B].map((uid) => cache.known.find(uid)?.uid)).toEqual([undefined, B]);
  clock.now = 1_005;
  expect(cache.get("b")).toBeUndefined();
  expect(cache.known.find(B)).toBeUndefined();
});

test("nothing is known from a resolution that is larger than the cache", async () => {
  const { log, cache } = await open();
  cache.put("a", { ...OF_A, bytes: 2_000 }, log.now());
  expect([A, SHARED].map((uid) => cache.known.find(uid))).toEqual([undefined, undefined]);
});
