import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { deferred } from "../../../testkit/src/deferred.ts";
import type { RevocationFeed } from "./revocation-feed.ts";
import { watchRevocations } from "./revocation-watcher.ts";
import { StoreBusyError, StoreFailedError } from "./store.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function watch(refresh: RevocationFeed["refresh"], size = 1) {
  const seen = { cuts: 0, faults: 0, checks: 0 };
  let looks = 0;
  const inFlight = {
    size,
    revokeAll: () => (seen.cuts += 1),
    revokeExpired: () => (looks += 1),
  };
  const ensureFresh = (): void => void (seen.checks += 1);
  const stop = watchRevocations({ refresh, ensureFresh }, inFlight, 2_000, {
    fault: () => (seen.faults += 1),
  });
  return { seen, stop, looks: () => looks };
}

test("while requests are in flight the log is read within any second, and none is cut for it", async () => {
  let reads = 0;
  const { seen, stop } = watch(() => void (reads += 1));
  for (let second = 1; second <= 5; second += 1) {
    const before = reads;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(reads).toBeGreaterThan(before);
  }
  expect(seen).toMatchObject({ cuts: 0, faults: 0 });
  stop();
  const before = reads;
  await vi.advanceTimersByTimeAsync(5_000);
  expect(reads).toBe(before);
});

test("while nothing is in flight the log is not read", async () => {
  let reads = 0;
  const { stop } = watch(() => void (reads += 1), 0);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(reads).toBe(0);
  stop();
});

test("everything in flight is cut if the store does not respond in time, or fails", async () => {
  const silent = watch(() => deferred<void>().promise);
  await vi.advanceTimersByTimeAsync(1_900);
  expect(silent.seen.cuts).toBe(0);
  await vi.advanceTimersByTimeAsync(400);
  expect(silent.seen.cuts).toBe(1);
  silent.stop();

  const failing = watch(() => Promise.reject(new Error("gone")));
  await vi.advanceTimersByTimeAsync(300);
  expect(failing.seen).toMatchObject({ cuts: 1, faults: 1 });
  failing.stop();
});

test.each([new StoreBusyError("no lease is in force"), new StoreFailedError("MDB_PANIC")])(
  "a store that is out of reach or has failed cuts everything in flight, and is no fault of the program: %s",
  async (outage) => {
    const { seen, stop } = watch(() => Promise.reject(outage));
    await vi.advanceTimersByTimeAsync(300);
    expect(seen).toMatchObject({ cuts: 1, faults: 0 });
    stop();
  },
);

test("requests that pass nothing are checked as those that pass a chunk, within any second, also while the log is not known", async () => {
  const { seen, stop } = watch(() => new Promise(() => undefined));
  for (let second = 1; second <= 3; second += 1) {
    const before = seen.checks;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(seen.checks).toBeGreaterThan(before);
  }
  stop();
});

test("while requests are in flight the clock is looked at within any second, also while the log is not known", async () => {
  const { stop, looks } = watch(() => new Promise(() => undefined));
  for (let second = 1; second <= 3; second += 1) {
    const before = looks();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(looks()).toBeGreaterThan(before);
  }
  stop();
});
