import { expect, test } from "vitest";
import { createStalenessGuard } from "./staleness-guard.ts";
import type { RevocationFeed } from "./revocation-feed.ts";

function startGuard(advance: RevocationFeed["advance"]) {
  const seen = { reads: 0, stale: 0, now: 1_000_000, monotonic: 5_000 };
  const feed = createStalenessGuard(
    {
      position: () => ({ log: "", sequence: 0n }),
      listen: () => () => undefined,
      advance: () => {
        seen.reads += 1;
        return advance();
      },
    },
    () => (seen.stale += 1),
    { wall: () => seen.now, monotonic: () => seen.monotonic },
  );
  return { feed, seen };
}

test("while the log is read often enough nothing more is asked; after a pause, or when the clock was set, it is", () => {
  const { feed, seen } = startGuard(() => undefined);
  seen.now += 400;
  feed.ensureFresh();
  expect(seen.reads).toBe(0);
  void feed.advance();
  seen.now += 400;
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

test("a pause shows though the clock was set back by as long as it lasted", () => {
  const { feed, seen } = startGuard(() => undefined);
  seen.monotonic += 3_600_000;
  feed.ensureFresh();
  expect(seen.reads).toBe(1);
  seen.monotonic += 400;
  feed.ensureFresh();
  expect(seen.reads).toBe(1);
});

test("nothing passes after a pause while the log does not answer, fails, or answers later", () => {
  const failing = startGuard(() => {
    throw new Error("gone");
  });
  failing.seen.now += 60_000;
  failing.feed.ensureFresh();
  failing.feed.ensureFresh();
  expect(failing.seen).toMatchObject({ reads: 2, stale: 2 });

  const late = startGuard(() => Promise.reject(new Error("later")));
  late.seen.now += 60_000;
  late.feed.ensureFresh();
  expect(late.seen.stale).toBe(1);
});
