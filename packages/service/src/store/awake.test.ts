import { expect, test } from "vitest";
import { createAwakeFeed } from "./awake.ts";
import type { RevocationFeed } from "./revocation-feed.ts";

function awake(advance: RevocationFeed["advance"]) {
  const seen = { asked: 0, blind: 0, now: 1_000_000, monotonic: 5_000 };
  const feed = createAwakeFeed(
    {
      position: () => ({ log: "", sequence: 0n }),
      listen: () => () => undefined,
      advance: () => {
        seen.asked += 1;
        return advance();
      },
    },
    () => (seen.blind += 1),
    { wall: () => seen.now, monotonic: () => seen.monotonic },
  );
  return { feed, seen };
}

test("while the log is read often enough nothing more is asked; after a pause, or when the clock was set, it is", () => {
  const { feed, seen } = awake(() => undefined);
  seen.now += 400;
  feed.keepUp();
  expect(seen.asked).toBe(0);
  void feed.advance();
  seen.now += 400;
  feed.keepUp();
  expect(seen.asked).toBe(1);
  seen.now += 60_000;
  feed.keepUp();
  feed.keepUp();
  expect(seen.asked).toBe(2);
  seen.now -= 3_600_000;
  feed.keepUp();
  expect(seen).toMatchObject({ asked: 3, blind: 0 });
});

test("a pause shows though the clock was set back by as long as it lasted", () => {
  const { feed, seen } = awake(() => undefined);
  seen.monotonic += 3_600_000;
  feed.keepUp();
  expect(seen.asked).toBe(1);
  seen.monotonic += 400;
  feed.keepUp();
  expect(seen.asked).toBe(1);
});

test("nothing passes after a pause while the log does not answer, fails, or answers later", () => {
  const failing = awake(() => {
    throw new Error("gone");
  });
  failing.seen.now += 60_000;
  failing.feed.keepUp();
  failing.feed.keepUp();
  expect(failing.seen).toMatchObject({ asked: 2, blind: 2 });

  const late = awake(() => Promise.reject(new Error("later")));
  late.seen.now += 60_000;
  late.feed.keepUp();
  expect(late.seen.blind).toBe(1);
});
