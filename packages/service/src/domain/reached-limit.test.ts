import { expect, test } from "vitest";
import { LIMIT_NAMES } from "../service-limits.ts";
import type { Denial } from "./denial.ts";
import { COUNTED_LIMITS, reachedLimit } from "./reached-limit.ts";

test("every limit whose refusals are counted is one that the operator can set", () => {
  expect(LIMIT_NAMES).toEqual(expect.arrayContaining([...COUNTED_LIMITS]));
  expect(new Set(COUNTED_LIMITS).size).toBe(COUNTED_LIMITS.length);
});

test.each([
  [{ reason: "service_overloaded", limitName: "bufferedBytesTotal" }, "bufferedBytesTotal"],
  [{ reason: "too_many_auth_failures" }, "maxAuthFailuresPerMinute"],
  [{ reason: "tenant_quota_exceeded", limit: 7 }, "maxMembranesPerTenant"],
  [{ reason: "body_too_large", limit: 7 }, "managementBodyBytes"],
  [{ reason: "quota_exhausted", retryAfterSeconds: 7 }, undefined],
  [{ reason: "unauthorized" }, undefined],
] as const satisfies readonly (readonly [Denial, unknown])[])(
  "a refusal names the limit of the service that it is due to, if there is one: %j",
  (denial, limit) => {
    expect(reachedLimit(denial, true)).toBe(limit);
  },
);

test("a body over the limits of its capability counts against no limit of the service", () => {
  expect(reachedLimit({ reason: "body_too_large", limit: 7 }, false)).toBeUndefined();
});
