import { expect, test } from "vitest";
import { leaseInForce } from "./held-lease.ts";

const lease = { sent: { monotonic: 10_000, wall: 1_700_000_000_000 }, lengthMs: 950 };

const isInForce = (monotonicMs: number, wallMs: number): boolean =>
  leaseInForce(lease, lease.sent.monotonic + monotonicMs, lease.sent.wall + wallMs);

test("without a lease nothing is in force", () => {
  expect(leaseInForce(undefined, 0, 0)).toBe(false);
});

test("a lease is in force from its sending until its length has passed on either clock", () => {
  expect(isInForce(0, 0)).toBe(true);
  expect(isInForce(949, 949)).toBe(true);
  expect(isInForce(950, 949)).toBe(false);
  expect(isInForce(949, 950)).toBe(false);
});

test("a lease has ended after a machine slept, though its monotonic clock was still", () => {
  expect(isInForce(1, 60_000)).toBe(false);
});

test("a wall clock that was set back or ahead never makes a lease longer", () => {
  expect(isInForce(950, -500)).toBe(false);
  expect(isInForce(10, -950)).toBe(false);
  expect(isInForce(10, 3_600_000)).toBe(false);
});
