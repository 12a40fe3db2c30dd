import { expect, test } from "vitest";
import { WaitingTime } from "./waiting-time.ts";

const LIMITS = {
  keepAliveMs: 4_000,
  request: { responseTimeoutMs: 1_000, idleTimeoutMs: 2_000 },
  isClientsTurn: false,
  isPaused: false,
};

test("a response must begin in its time, which begins anew when something moves", () => {
  const waiting = new WaitingTime();
  waiting.begin(100);
  expect(waiting.check(1_099, LIMITS)).toBeUndefined();
  waiting.move();
  expect(waiting.check(1_100, LIMITS)).toBeUndefined();
  expect(waiting.check(2_099, LIMITS)).toBeUndefined();
  expect(waiting.check(2_100, LIMITS)).toBe("no response");
});

test("a target that waits for the client's body is not late", () => {
  const waiting = new WaitingTime();
  waiting.begin(0);
  expect(waiting.check(5_000, { ...LIMITS, isClientsTurn: true })).toBeUndefined();
  expect(waiting.check(5_000, LIMITS)).toBe("no response");
});

test("within a body it is the silence that is limited, and not while the client is waited for", () => {
  const waiting = new WaitingTime();
  waiting.begin(0);
  waiting.receive();
  expect(waiting.check(900, LIMITS)).toBeUndefined();
  expect(waiting.check(2_899, LIMITS)).toBeUndefined();
  expect(waiting.check(2_900, { ...LIMITS, isPaused: true })).toBeUndefined();
  expect(waiting.check(4_899, LIMITS)).toBeUndefined();
  expect(waiting.check(4_900, LIMITS)).toBe("silent");
});

test("an unused connection has its own time, and a leased one none", () => {
  const waiting = new WaitingTime();
  waiting.keep();
  expect(waiting.check(100, LIMITS)).toBeUndefined();
  expect(waiting.check(4_099, LIMITS)).toBeUndefined();
  expect(waiting.check(4_100, { ...LIMITS, request: undefined })).toBe("unused");
  waiting.lease();
  expect(waiting.check(1_000_000, LIMITS)).toBeUndefined();
});
