import { expect, test } from "vitest";
import { parseUid } from "../domain/uid.ts";
import { createRevocationFeed } from "./revocation-feed.ts";
import { createDelayedLog } from "../../../testkit/src/delayed-log.ts";

const A = parseUid("a".repeat(32));
const B = parseUid("b".repeat(32));

async function follow(log: ReturnType<typeof createDelayedLog>) {
  const opening = createRevocationFeed(log);
  await log.respondToAll();
  const feed = await opening;
  const told: unknown[] = [];
  const stop = feed.listen((revoked) => told.push(revoked));
  return { feed, told, stop };
}

test("whoever advances is told of every revoke before, once", async () => {
  const log = createDelayedLog();
  const { feed, told } = await follow(log);
  log.revoke(A);
  log.revoke(B);
  const advanced = Promise.all([1, 2, 3].map(async () => feed.advance()));
  await log.respondToAll();
  await advanced;
  expect(told.filter((revoked) => revoked instanceof Set && revoked.size > 0)).toEqual([new Set([A, B])]);
  expect(feed.position()).toEqual(log.now());
});

test("nothing is told while nothing is revoked", async () => {
  const log = createDelayedLog();
  const { feed, told } = await follow(log);
  const advanced = feed.advance();
  await log.respondToAll();
  await advanced;
  expect(told).toEqual([]);
});

test("a revoke that follows while the tail is read is told to whoever asks after it", async () => {
  const log = createDelayedLog();
  const { feed, told } = await follow(log);
  log.revoke(A);
  const early = feed.advance();
  await log.respondToFirst();
  log.revoke(B);
  const late = feed.advance();
  await log.respondToAll();
  await Promise.all([early, late]);
  const all = told.flatMap((revoked) => (revoked instanceof Set ? Array.from(revoked) : [revoked]));
  expect(new Set(all)).toEqual(new Set([A, B]));
  expect(feed.position()).toEqual(log.now());
});

test("an answer that was overtaken does not take the feed back", async () => {
  const log = createDelayedLog();
  const { feed } = await follow(log);
  const slow = feed.advance();
  log.revoke(A);
  const fast = feed.advance();
  await log.respondToLast();
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
  const { feed, told } = await follow(log);
  log.replace("another log");
  const advanced = feed.advance();
  await log.respondToAll();
  await advanced;
  expect(told).toEqual(["everything"]);
});

test("an error of the store is the asker's, and the next one is told all the same", async () => {
  const log = createDelayedLog();
  const { feed, told } = await follow(log);
  log.revoke(A);
  const refused = expect(feed.advance()).rejects.toThrow("the store is gone");
  await log.failFirst(new Error("the store is gone"));
  await refused;
  expect(told).toEqual([]);
  const advanced = feed.advance();
  await log.respondToAll();
  await advanced;
  expect(told).toEqual([new Set([A])]);
});

test("who stopped listening is told no more", async () => {
  const log = createDelayedLog();
  const { feed, told, stop } = await follow(log);
  stop();
  log.revoke(A);
  const advanced = feed.advance();
  await log.respondToAll();
  await advanced;
  expect(told).toEqual([]);
});

test("while a listener fails the position is not passed, so that nobody takes an old verdict for a new one", async () => {
  const log = createDelayedLog();
  const { feed, told } = await follow(log);
  const before = feed.position();
  const stop = feed.listen(() => {
    throw new Error("a listener failed");
  });
  log.revoke(A);
  const advanced = Promise.resolve(feed.advance());
  advanced.catch(() => undefined);
  await log.respondToAll();
  await expect(advanced).rejects.toThrow("a listener failed");
  expect(feed.position()).toEqual(before);
  stop();
  const again = feed.advance();
  await log.respondToAll();
  await again;
  expect(told.at(-1)).toEqual(new Set([A]));
  expect(feed.position()).toEqual(log.now());
});
