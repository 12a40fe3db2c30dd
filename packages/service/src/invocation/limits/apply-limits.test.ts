import type { Limits } from "capability-protocol";
import { FORWARDABLE_METHODS } from "capability-protocol";
import { expect, test } from "vitest";
import type { GivenRequest } from "../../../../testkit/src/applied-limits.ts";
import { compileChain, refusal } from "../../../../testkit/src/applied-limits.ts";
import { parsePeerAddress } from "../../net/peer-address.ts";
import { isValidFor } from "./apply-limits.ts";
import { checkRules } from "./check-rules.ts";
import { compileLimits } from "./compiled-limits.ts";

test("limits that narrow no request are none", () => {
  const none: Limits[] = [
    {},
    { maxUses: 1, expiresAt: 1, delegable: false },
    { requests: [{ methods: ["GET"] }, {}] },
  ];
  expect(compileLimits(none.map((limits) => ({ limits })))).toBeUndefined();
  expect(compileLimits([])).toBeUndefined();
});

test("each capability of the chain must be valid for the client now", () => {
  const limits = compileChain(
    { notBefore: 10, clientCidrs: ["10.0.0.0/8", "2001:db8::/32"] },
    { notBefore: 20 },
    { clientCidrs: ["10.1.0.0/16"] },
  );
  const isValid = (now: number, address: string): boolean =>
    isValidFor(limits, now, parsePeerAddress(address));
  expect(isValid(20, "10.1.2.3")).toBe(true);
  expect(isValid(20, "::ffff:10.1.2.3")).toBe(true);
  expect(isValid(19, "10.1.2.3")).toBe(false);
  expect(isValid(20, "10.2.0.1")).toBe(false);
  expect(isValid(20, "2001:db8::1")).toBe(false);
  expect(isValid(20, "")).toBe(false);
});

test("methods are exact: GET does not include HEAD, and Allow names what every capability of the chain allows", () => {
  const chain = [{ methods: ["GET", "PUT"] }, { methods: ["PUT", "GET", "POST"] }];
  expect(refusal(chain, { method: "PUT" })).toBeUndefined();
  for (const method of ["HEAD", "POST", "get"])
    expect(refusal(chain, { method })).toEqual({ reason: "method_not_allowed", allow: ["GET", "PUT"] });
});

test("Allow names the methods of all alternatives", () => {
  const requests = [{ methods: ["GET"], paths: ["/a"] }, { methods: ["POST"] }, { methods: ["DELETE"] }];
  expect(refusal([{ requests }, { methods: ["GET", "POST"] }], { method: "PUT" })).toEqual({
    reason: "method_not_allowed",
    allow: ["GET", "POST"],
  });
  const [, allow] = Object.values(refusal([{ methods: [] }, { requests: [{ paths: ["/a"] }] }]) ?? {});
  expect(allow).toEqual([]);
  expect(refusal([{ methods: ["PUT"] }])).not.toHaveProperty("allow", [...FORWARDABLE_METHODS]);
});

test("a path must match a pattern of each capability of the chain", () => {
  const chain = [{ paths: ["/repos/o/r/**", "/user"] }, { paths: ["/repos/*/*/issues", "/user/**"] }];
  for (const path of ["/repos/o/r/issues", "/user"]) expect(refusal(chain, { path })).toBeUndefined();
  for (const path of ["/", "/repos/o/r", "/repos/o/s/issues", "/user/"])
    expect(refusal(chain, { path })).toEqual({ reason: "path_not_allowed" });
});

test("a pattern that this version does not accept admits nothing", () => {
  expect(refusal([{ paths: ["/a*"] }], { path: "/ab" })).toEqual({ reason: "path_not_allowed" });
});

test("a request must satisfy one alternative entirely", () => {
  const requests = [
    { methods: ["GET"], paths: ["/b"], query: new Map([["prefix", [{ startsWith: "p/" }]]]) },
    { methods: ["GET", "HEAD"], paths: ["/b/p/**"] },
  ];
  const check = (given: GivenRequest) => refusal([{ requests }], given);
  expect(check({ path: "/b", query: "prefix=p/q" })).toBeUndefined();
  expect(check({ path: "/b/p/q", method: "HEAD" })).toBeUndefined();
  expect(check({ path: "/b" })).toMatchObject({ reason: "query_not_allowed", key: "prefix" });
  expect(check({ path: "/b", query: "prefix=p/q", method: "HEAD" })).toEqual({ reason: "path_not_allowed" });
  expect(check({ path: "/c" })).toEqual({ reason: "path_not_allowed" });
  expect(check({ path: "/b/p/q", method: "PUT" })).toMatchObject({ reason: "method_not_allowed" });
});

test("the refusal is that of the alternative that failed latest, and of the first one of several", () => {
  const byQuery = (key: string) => ({ query: new Map<string, "any">([[key, "any"]]) });
  const requests = [{ methods: ["PUT"] }, { paths: ["/a"] }, byQuery("b"), byQuery("c"), { paths: ["/d"] }];
  expect(refusal([{ requests }], { path: "/x", query: "y&z" })).toEqual({
    reason: "query_not_allowed",
    key: "y",
    why: "not_named",
  });
  const headers = new Map([["x-a", ["1"]]]);
  expect(refusal([{ requests: [...requests, { headers }] }], { path: "/x", query: "y" })).toEqual({
    reason: "header_not_allowed",
    name: "x-a",
    why: "not_listed",
  });
});

test("of several refusals, the one at the earliest stage counts, whichever capability refuses", () => {
  const headers = new Map([["x-a", ["1"]]]);
  const query = new Map();
  const chain: Limits[] = [{ headers }, { query }, { paths: ["/a"] }, { requests: [{ methods: ["PUT"] }] }];
  const given = { path: "/x", query: "y", headers: ["Destination", "/b"] };
  const reasons = chain.map((_, i) => refusal(chain.slice(0, i + 1), given)?.reason);
  expect(reasons).toEqual([
    "header_not_allowed",
    "query_not_allowed",
    "path_not_allowed",
    "method_not_allowed",
  ]);
});

test("the parts of a request that no rule looks at are not read: a long chain would multiply a long request", () => {
  const read = (): never => {
    throw new Error("it was read");
  };
  const request = {
    method: "GET",
    get path() {
      return read();
    },
    get query() {
      return read();
    },
    get headers() {
      return read();
    },
    fixedHeaders: [],
  };
  expect(checkRules(compileChain({ methods: ["GET"] }).rules, request)).toBeUndefined();
});
