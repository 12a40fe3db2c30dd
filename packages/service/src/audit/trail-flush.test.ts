import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { createTrailFlush, FlushTimeoutError } from "./trail-flush.ts";

/** Flushes of which the test says how the first ones end; further ones end at once. */
function flushes(timeoutMs: number, held = Number.POSITIVE_INFINITY) {
  const begun: { readonly end: () => void; readonly fail: (error: Error) => void }[] = [];
  const states: string[] = [];
  const flush = createTrailFlush({
    flush: () =>
      new Promise<void>((end, fail) => {
        begun.push({ end, fail });
        if (begun.length > held) end();
      }),
    timeoutMs,
    now: () => 1_700_000_000_000,
    onStateChanged: ({ state, cause }) => states.push(cause === undefined ? state : `${state}: ${cause}`),
  });
  return { flush, begun, states };
}

/** What a call has come to without waiting for time to pass. */
async function atOnce(called: Promise<void>): Promise<string> {
  const result = called.then(
    () => "flushed",
    (error: Error) => error.name,
  );
  return Promise.race([result, setImmediate("waits")]);
}

test("a flush that hangs is known as failing though no call waits any more, and is not waited for again until it has ended", async () => {
  const { flush, begun, states } = flushes(20, 1);
  const calls = [flush.sync(), flush.sync()];
  for (const call of calls) await expect(call).rejects.toThrow(FlushTimeoutError);
  await expect.poll(() => states).toEqual(["failing: ETIMEDOUT"]);
  expect(flush.failingSince).toBe(1_700_000_000_000);
  expect(await atOnce(flush.sync())).toBe("FlushTimeoutError");
  expect(begun).toHaveLength(1);
  begun[0]!.end();
  // What was written while it hung is flushed too, though those who wanted that have gone.
  await expect.poll(() => begun.length).toBe(2);
  expect(states).toEqual(["failing: ETIMEDOUT", "written"]);
  expect(flush.failingSince).toBeUndefined();
  await flush.sync();
  expect(begun).toHaveLength(3);
  expect(states).toHaveLength(2);
});

test("a call waits no longer than its limit, also for the flush after the one that is in progress", async () => {
  const { flush, begun, states } = flushes(200);
  const first = flush.sync();
  const second = flush.sync().catch((error: Error) => error.name);
  setTimeout(() => begun[0]!.end(), 100);
  await first;
  expect(await second).toBe("FlushTimeoutError");
  expect(begun).toHaveLength(2);
  // Its flush has begun later, and may still be in time.
  expect(states).toEqual([]);
  begun[1]!.end();
});

test("the error of a flush is that of the call, and a flush that fails is begun again by the next call", async () => {
  const { flush, begun, states } = flushes(60_000);
  for (const round of [1, 2]) {
    const called = flush.sync();
    begun.at(-1)!.fail(Object.assign(new Error("broken"), { code: "EIO" }));
    await expect(called).rejects.toThrow("broken");
    expect(begun).toHaveLength(round);
  }
  expect(states).toEqual(["failing: EIO"]);
  const called = flush.sync();
  begun.at(-1)!.end();
  await called;
  expect(states).toEqual(["failing: EIO", "written"]);
});
