import { err, ok } from "capability-protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Uid } from "./uid.ts";
import { newUid } from "./uid.ts";
import type { UseCount, UseCounter } from "./use-counter.ts";
import { nextCounts, UNUSED } from "./use-counter.ts";

const uid = (number: number): Uid => newUid((size) => Buffer.alloc(size, number));
const MADE_AT = 1_000_000;
const LINK: UseCounter = { uid: uid(1), maxUses: 1, createdAt: MADE_AT };
const PER_MINUTE: UseCounter = { uid: uid(2), maxUses: 2, everyMs: 60_000, createdAt: MADE_AT };

/** Keeps what is counted, as a store does. */
function countsOf(...counters: readonly UseCounter[]) {
  const counts = new Map<Uid, UseCount>(counters.map((counter) => [counter.uid, UNUSED]));
  return {
    counts,
    use(used: readonly UseCounter[], now: number) {
      const counted = nextCounts(used, (one) => counts.get(one), now);
      if (counted.ok) for (const { uid: one, count } of counted.value) counts.set(one, count);
      return counted.ok ? ok(undefined) : counted;
    },
  };
}

test("a capability that is used up stays so, whatever the clock says", () => {
  const { use } = countsOf(LINK);
  expect(use([LINK], MADE_AT)).toEqual(ok(undefined));
  for (const now of [MADE_AT, 0, Number.MAX_SAFE_INTEGER])
    expect(use([LINK], now)).toEqual(err({ reason: "used_up" }));
});

test("windows begin when the capability is made, and a refusal says when the next one begins", () => {
  const { use } = countsOf(PER_MINUTE);
  const at = (ms: number) => use([PER_MINUTE], MADE_AT + ms);
  expect([at(59_000), at(59_999)]).toEqual([ok(undefined), ok(undefined)]);
  expect(at(59_999)).toEqual(err({ reason: "window_used_up", retryAfterMs: 1 }));
  expect([at(60_000), at(60_001)]).toEqual([ok(undefined), ok(undefined)]);
  expect(at(60_001)).toEqual(err({ reason: "window_used_up", retryAfterMs: 59_999 }));
});

test("a clock that was set back opens no window again, and one from before the export leads to the first", () => {
  const { use } = countsOf(PER_MINUTE);
  expect(use([PER_MINUTE], 0)).toEqual(ok(undefined));
  expect(use([PER_MINUTE], MADE_AT)).toEqual(ok(undefined));
  expect(use([PER_MINUTE], MADE_AT)).toMatchObject({ ok: false });
  expect(use([PER_MINUTE], MADE_AT + 180_000)).toEqual(ok(undefined));
  expect(use([PER_MINUTE], MADE_AT + 120_000)).toEqual(ok(undefined));
  expect(use([PER_MINUTE], MADE_AT + 120_000)).toEqual(
    err({ reason: "window_used_up", retryAfterMs: 120_000 }),
  );
});

test("of several refusals the one that holds longest is returned, and nothing is counted", () => {
  const slow: UseCounter = { ...PER_MINUTE, uid: uid(3), maxUses: 1, everyMs: 3_600_000 };
  const { use, counts } = countsOf(LINK, PER_MINUTE, slow);
  use([slow], MADE_AT);
  use([PER_MINUTE], MADE_AT);
  use([PER_MINUTE], MADE_AT);
  const before = new Map(counts);
  for (const order of [
    [PER_MINUTE, slow, LINK],
    [LINK, slow, PER_MINUTE],
  ])
    expect(use(order, MADE_AT)).toEqual(err({ reason: "window_used_up", retryAfterMs: 3_600_000 }));
  expect(counts).toEqual(before);
  use([LINK], MADE_AT);
  for (const order of [
    [PER_MINUTE, LINK, slow],
    [LINK, slow],
  ])
    expect(use(order, MADE_AT)).toEqual(err({ reason: "used_up" }));
});

test("a counter that is not there counts as used up, with windows too", () => {
  const { use } = countsOf();
  expect(use([LINK], MADE_AT)).toEqual(err({ reason: "used_up" }));
  expect(use([PER_MINUTE], MADE_AT)).toEqual(err({ reason: "used_up" }));
});

const COUNTERS = fc.tuple(
  ...[1, 2, 3].map((number) =>
    fc.record(
      {
        uid: fc.constant(uid(number)),
        maxUses: fc.integer({ min: 1, max: 4 }),
        createdAt: fc.integer({ min: 0, max: 5_000 }),
        everyMs: fc.integer({ min: 1_000, max: 3_000 }),
      },
      { requiredKeys: ["uid", "maxUses", "createdAt"] },
    ),
  ),
);
const USES = fc.array(
  fc.record({ of: fc.subarray([0, 1, 2], { minLength: 1 }), now: fc.integer({ min: 0, max: 20_000 }) }),
  { maxLength: 60 },
);

test("a use is admitted exactly if each counter on its way has one left in its window, and then each has one less", () => {
  const property = fc.property(COUNTERS, USES, (counters, uses) => {
    const { use } = countsOf(...counters);
    /** The model: when each admitted use was, in the window that had begun by then. */
    const admitted = counters.map((): number[] => []);
    for (const { of, now } of uses) {
      const windowOf = (index: number): number => {
        const { everyMs, createdAt } = counters[index]!;
        const current = everyMs === undefined ? 0 : Math.floor((now - createdAt) / everyMs);
        return Math.max(0, current, ...admitted[index]!);
      };
      const hasLeft = (index: number): boolean =>
        admitted[index]!.filter((window) => window === windowOf(index)).length < counters[index]!.maxUses;
      const isAdmitted = of.every(hasLeft);
      const refused = of.filter((index) => !hasLeft(index));
      const isForEver = refused.some((index) => counters[index]!.everyMs === undefined);
      const result = use(
        of.map((index) => counters[index]!),
        now,
      );
      expect(result.ok).toBe(isAdmitted);
      if (!result.ok) expect(result.error.reason).toBe(isForEver ? "used_up" : "window_used_up");
      if (isAdmitted) for (const index of of) admitted[index]!.push(windowOf(index));
    }
  });
  fc.assert(property, { numRuns: 500 });
});
