import { expect, test } from "vitest";
import { createStalenessGuard } from "./staleness-guard.ts";
import type { RevocationFeed } from "./revocation-feed.ts";
import { createRevocationFeed } from "./revocation-feed.ts";
import { createDelayedLog } from "../../../testkit/src/delayed-log.ts";

function startGuard(advance: RevocationFeed["advance"], maxAgeMs = 500) {
  const seen = { reads: 0, stale: 0, now: 1_000_000, monotonic: 5_000 };
  const feed = createStalenessGuard(
    {
      position: () => ({ log: "", sequence: 0n }),
      listen: () => () => undefined,
      holds: () => true,
      advance: () => {
        seen.reads += 1;
        return advance();
      },
      refresh: () => undefined,
    },
    {
      maxAgeMs,
      onStale: () => (seen.stale += 1),
      now: { wall: () => seen.now, monotonic: () => seen.monotonic },
    },
  );
  return { feed, seen };
}

test("a log that may end at any moment is asked for each chunk, which does not pass when it is not known", () => {
  let isKnown = true;
  const { feed, seen } = startGuard(() => isKnown, 0);
  for (let chunk = 1; chunk <= 3; chunk += 1) {
    feed.ensureFresh();
    expect(seen).toMatchObject({ reads: chunk, stale: 0 });
  }
  isKnown = false;
  feed.ensureFresh();
  expect(seen).toMatchObject({ reads: 4, stale: 1 });
});

test("the log is read for chunks only once in a while, and when the clock was set", () => {
  const { feed, seen } = startGuard(() => true);
  seen.now += 400;
  feed.ensureFresh();
  expect(seen.reads).toBe(0);
  seen.now += 400;
  feed.ensureFresh();
  feed.ensureFresh();
  expect(seen.reads).toBe(1);
  seen.now += 60_000;
  feed.ensureFresh();
  feed.ensureFresh();
  expect(seen.reads).toBe(2);
  seen.now -= 3_600_000;
  feed.ensureFresh();
  expect(seen).toMatchObject({ reads: 3, stale: 0 });
});

test("a pause is seen though the clock was set back by as long as it lasted", () => {
  const { feed, seen } = startGuard(() => true);
  seen.monotonic += 3_600_000;
  feed.ensureFresh();
  expect(seen.reads).toBe(1);
  seen.monotonic += 400;
  feed.ensureFresh();
  expect(seen.reads).toBe(1);
});

test("nothing passes after a pause while the log cannot be read or its position is not known", () => {
  const failing = startGuard(() => {
    throw new Error("gone");
  });
  failing.seen.now += 60_000;
  failing.feed.ensureFresh();
  failing.feed.ensureFresh();
  expect(failing.seen).toMatchObject({ reads: 2, stale: 2 });

  const unknown = startGuard(() => false);
  unknown.seen.now += 60_000;
  unknown.feed.ensureFresh();
  unknown.feed.ensureFresh();
  expect(unknown.seen).toMatchObject({ reads: 2, stale: 2 });
});

test("nothing passes after a pause while a refresh is in flight, and it does once that is over", async () => {
  const log = createDelayedLog();
  const feed = await createRevocationFeed(log);
  const seen = { stale: 0, now: 1_000_000 };
  const guard = createStalenessGuard(feed, {
    maxAgeMs: 500,
    onStale: () => (seen.stale += 1),
    now: { wall: () => seen.now, monotonic: () => 0 },
  });
  log.forget();
  seen.now += 60_000;
  const refreshed = guard.refresh();
  guard.ensureFresh();
  expect(seen.stale).toBe(1);
  await log.respondToAll();
  await refreshed;
  guard.ensureFresh();
  expect(seen.stale).toBe(1);
});
