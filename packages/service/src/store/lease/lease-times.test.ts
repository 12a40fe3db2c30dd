import { refuse } from "capability-protocol";
import { expect, test } from "vitest";
import type { LeaseTimes } from "./lease-times.ts";
import { DEFAULT_LEASE_TIMES, parseLeaseTimes, servedMs, waitMs, withLeaseMs } from "./lease-times.ts";

const refusedField = (change: Partial<LeaseTimes>): string | undefined => {
  const parsed = parseLeaseTimes({ ...DEFAULT_LEASE_TIMES, ...change });
  return parsed.ok ? undefined : parsed.error.field;
};

test("the default times are accepted", () => {
  expect(parseLeaseTimes(DEFAULT_LEASE_TIMES)).toEqual({ ok: true, value: DEFAULT_LEASE_TIMES });
});

test("a margin that does not cover the drift of two clocks is refused", () => {
  expect(parseLeaseTimes({ ...DEFAULT_LEASE_TIMES, leaseMarginMs: 49 })).toEqual(
    refuse("leaseMarginMs", "at least 5 % of leaseMs"),
  );
  expect(refusedField({ leaseMs: 1_001 })).toBe("leaseMarginMs");
  expect(refusedField({ leaseMs: 2_000, leaseMarginMs: 100 })).toBeUndefined();
});

test("with the smallest margin, the slowest clock serves no longer than the fastest waits", () => {
  for (const leaseMs of [1_000, 1_001, 1_999, 60_000]) {
    const times = { ...DEFAULT_LEASE_TIMES, leaseMs, leaseMarginMs: Math.ceil(leaseMs / 20) };
    expect(parseLeaseTimes(times).ok).toBe(true);
    expect(servedMs(times) * 1.05).toBeLessThanOrEqual(waitMs(times) * 0.95 + 1e-6);
  }
});

test("times with another length have a margin that covers the drift", () => {
  expect(withLeaseMs(DEFAULT_LEASE_TIMES, 1_000)).toEqual(DEFAULT_LEASE_TIMES);
  for (const leaseMs of [999, 1_001, 1_999, 60_000]) {
    const times = withLeaseMs(DEFAULT_LEASE_TIMES, leaseMs);
    expect(times.leaseMs).toBe(leaseMs);
    expect(parseLeaseTimes(times).ok).toBe(true);
  }
});

test("a lease that ends when one reply is late is refused", () => {
  expect(refusedField({ leaseReplyTimeoutMs: 650 })).toBe("leaseMs");
  expect(refusedField({ leaseReplyTimeoutMs: 649 })).toBeUndefined();
  expect(refusedField({ leaseRenewalIntervalMs: 600 })).toBe("leaseMs");
  expect(refusedField({ leaseMarginMs: 1_000 })).toBe("leaseMs");
});

test("less time to connect and for a reply than for a reply alone is refused", () => {
  expect(refusedField({ leaseConnectTimeoutMs: 299 })).toBe("leaseConnectTimeoutMs");
  expect(refusedField({ leaseConnectTimeoutMs: 300 })).toBeUndefined();
});

test("what is no whole number of milliseconds, or longer than ten minutes, is refused by its name", () => {
  for (const value of [0, -1, 0.5, Number.NaN, Infinity, 600_001]) {
    for (const name of Object.keys(DEFAULT_LEASE_TIMES)) expect(refusedField({ [name]: value })).toBe(name);
  }
});
