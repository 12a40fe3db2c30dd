import { expect, test } from "vitest";
import { adviseOnInvocation } from "./invocation-advice.ts";

const fromGateway = { isFromGateway: true, retryAfter: undefined };
const fromTarget = { isFromGateway: false, retryAfter: undefined };

test.each([
  [403, "a.test refused the request"],
  [429, "a.test refused the request"],
  [500, "a.test did not carry out the request"],
  [501, "a.test did not carry out the request"],
  [502, "a.test could not forward the request or the target's response"],
  [503, "a.test did not carry out the request"],
  [504, "a.test could not forward the request or the target's response"],
  [508, "a.test could not forward the request or the target's response"],
])("a %i of the service is reported as what it is: %s", (status, advice) => {
  expect(adviseOnInvocation(status, fromGateway, "a.test")).toBe(`${advice}; the body says why.`);
});

test("the request id of a fault is named for the operator, and not that of a refusal, nor a target's", () => {
  const requestId = "6b0c";
  const named = expect.stringMatching(/\nIts operator .* 6b0c$/);
  expect(adviseOnInvocation(502, { ...fromGateway, requestId }, "a.test")).toEqual(named);
  expect(adviseOnInvocation(403, { ...fromGateway, requestId }, "a.test")).not.toEqual(named);
  expect(adviseOnInvocation(502, { ...fromTarget, requestId }, "a.test")).not.toEqual(named);
});

test.each([
  ["3599", "Try again in 3599 seconds."],
  ["1", "Try again in a second."],
])("Retry-After: %s is the time of the advice, from the service and from a target", (retryAfter, advice) => {
  expect(adviseOnInvocation(429, { ...fromTarget, retryAfter }, "a.test")).toBe(advice);
  expect(adviseOnInvocation(429, { ...fromGateway, retryAfter }, "a.test").endsWith(`why. ${advice}`)).toBe(
    true,
  );
});

test.each([undefined, "Sun, 29 Nov 2026 12:00:00 GMT", "\u001b[2J", "99999999999"])(
  "Retry-After: %j is not repeated",
  (retryAfter) => {
    expect(adviseOnInvocation(503, { ...fromTarget, retryAfter }, "a.test")).toBe("Try again later.");
  },
);

test("a 401 names every reason for which a capability does not work", () => {
  for (const reason of ["revoked", "ended", "used up", "not valid", "address"])
    expect(adviseOnInvocation(401, fromTarget, "a.test")).toContain(reason);
});
