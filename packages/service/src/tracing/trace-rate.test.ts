import fc from "fast-check";
import { expect, test } from "vitest";
import { createTraceRate } from "./trace-rate.ts";

const owners = (capability: string, tenant: string) => ({
  capabilities: [{ uid: capability }],
  tenants: [{ uid: tenant }],
});

test("in a second one capability takes a third, one tenant a half, and all together the whole", () => {
  let now = 0;
  const rate = createTraceRate(90, () => now);
  const taken = (capability: string, tenant: string): number => {
    let count = 0;
    while (rate.take(owners(capability, tenant))) count += 1;
    return count;
  };
  expect(taken("a", "one")).toBe(30);
  expect(taken("b", "one")).toBe(15);
  expect(taken("c", "one")).toBe(0);
  expect(taken("d", "two")).toBe(15);
  const all = Array.from({ length: 50 }, (_, at) => taken(`c${at}`, `t${at}`)).reduce(
    (sum, count) => sum + count,
    60,
  );
  expect(all).toBe(90);
  expect(rate.refused).toBe(54);
  now = 999;
  expect(rate.take(owners("e", "three"))).toBe(false);
  now = 1_000;
  expect(taken("a", "one")).toBe(30);
});

test("a limit of one lets one pass", () => {
  const rate = createTraceRate(1, () => 0);
  expect(rate.take(owners("a", "one"))).toBe(true);
  expect(rate.take(owners("b", "two"))).toBe(false);
});

test("a request counts against each of its owners, and one that has had its part is enough to refuse it", () => {
  const named = (...uids: readonly string[]) => uids.map((uid) => ({ uid }));
  const of = (limit: number) => {
    const rate = createTraceRate(limit, () => 0);
    return (capabilities: readonly string[], tenants: readonly string[]): boolean =>
      rate.take({ capabilities: named(...capabilities), tenants: named(...tenants) });
  };
  const byCapability = of(3);
  expect(byCapability(["a", "b"], ["one"])).toBe(true);
  for (const capabilities of [["a"], ["b"], ["b", "c"], ["c", "b"]])
    expect(byCapability(capabilities, ["two"])).toBe(false);
  expect(byCapability(["c"], ["two"])).toBe(true);
  const byTenant = of(2);
  expect(byTenant(["a"], ["one", "two"])).toBe(true);
  for (const tenants of [["one"], ["two"], ["two", "three"], ["three", "two"]])
    expect(byTenant(["b"], tenants)).toBe(false);
  expect(byTenant(["b"], ["three"])).toBe(true);
  // One without owners has a place only while there is one.
  expect(byTenant([], [])).toBe(false);
  expect(of(1)([], [])).toBe(true);
});

test("whatever comes, no second has more than the limit, and a re-export counts against all that it re-exports", () => {
  const request = fc.record({
    capabilities: fc.subarray(["a", "b", "c"], { minLength: 1 }),
    tenants: fc.subarray(["one", "two"], { minLength: 1 }),
    after: fc.integer({ min: 0, max: 400 }),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.array(request, { maxLength: 100 }), (limit, requests) => {
      let now = 0;
      const rate = createTraceRate(limit, () => now);
      const taken: { readonly at: number; readonly capabilities: readonly string[] }[] = [];
      for (const { capabilities, tenants, after } of requests) {
        now += after;
        const named = (uids: readonly string[]) => uids.map((uid) => ({ uid }));
        if (rate.take({ capabilities: named(capabilities), tenants: named(tenants) }))
          taken.push({ at: now, capabilities });
      }
      // A window may begin anywhere, so that two of them are in any second.
      for (const { at } of taken) {
        const inSecond = taken.filter((each) => each.at >= at && each.at < at + 1_000);
        expect(inSecond.length).toBeLessThanOrEqual(2 * limit);
        const ofOne = inSecond.filter(({ capabilities }) => capabilities.includes("a")).length;
        expect(ofOne).toBeLessThanOrEqual(2 * Math.ceil((limit + 1) / 3));
      }
      expect(taken.length + rate.refused).toBe(requests.length);
    }),
  );
});
