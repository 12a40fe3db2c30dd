import type { CanonicalPath, HeaderLimit, Limits } from "capability-protocol";
import { canonicalizePath, FORWARDABLE_METHODS } from "capability-protocol";
import { expect, test } from "vitest";
import { parsePeerAddress } from "../../net/peer-address.ts";
import { applyLimits, isValidFor } from "./apply-limits.ts";
import { compileLimits } from "./compiled-limits.ts";
import type { SignedHeaderRule } from "./header-limit.ts";
import type { CheckedRequest } from "./check-rules.ts";

const unsigned: SignedHeaderRule = () => undefined;

function compiled(...chain: readonly Limits[]) {
  const limits = compileLimits(chain.map((each) => ({ limits: each })));
  if (limits === undefined) throw new Error("the limits narrow nothing");
  return limits;
}

function pathOf(text: string): CanonicalPath {
  const path = canonicalizePath(text, { encodedSlash: true, emptySegments: true });
  if (!path.ok) throw new Error(path.error.message);
  return path.value;
}

type Given = Partial<Omit<CheckedRequest, "path">> & { readonly path?: string };

function apply(chain: readonly Limits[], { path = "/", ...given }: Given = {}, rule = unsigned) {
  const request = { method: "GET", path: pathOf(path), query: "", headers: [], fixedHeaders: [], ...given };
  return applyLimits(compiled(...chain), request, rule);
}

function refusal(chain: readonly Limits[], given?: Given, rule?: SignedHeaderRule) {
  const outcome = apply(chain, given, rule);
  return outcome.ok ? undefined : outcome.error;
}

function kept(headers: HeaderLimit, lines: readonly string[], rule?: SignedHeaderRule) {
  const outcome = apply([{ headers }], { headers: lines }, rule);
  return outcome.ok ? outcome.value : outcome.error;
}

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
  const limits = compiled(
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
  const check = (given: Given) => refusal([{ requests }], given);
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

test("only the headers that each capability names reach the target, and those that describe or restrict", () => {
  const other = ["X-C", "3", "User-Agent", "c"];
  const describing = ["Content-Type", "a/b", "Accept", "*/*", "Accept-Language", "de", "Range", "bytes=0-"];
  const always = [...describing, "If-None-Match", "*", "Sec-WebSocket-Key", "k"];
  const lines = ["X-A", "1", "x-b", "2", ...other, ...always];
  expect(
    kept(
      new Map([
        ["x-a", "any"],
        ["x-b", "any"],
      ]),
      lines,
    ),
  ).toEqual(["X-A", "1", "x-b", "2", ...always]);
  const chain: Limits[] = [
    {
      headers: new Map([
        ["x-a", "any"],
        ["x-b", "any"],
      ]),
    },
    { headers: new Map([["x-b", "any"]]) },
  ];
  const outcome = apply(chain, { headers: lines });
  expect(outcome.ok && outcome.value).toEqual(["x-b", "2", ...always]);
});

test.each(["X_A", "x.a", "If_None-Match", "Accept_Language", "Content", "Range-Unit", "Acceptance", "X-Ä"])(
  "%s is another spelling than a header that passes, and is dropped",
  (name) => {
    const headers = new Map([
      ["x-a", "any"],
      ["accept", "any"],
    ] as const);
    expect(kept(headers, [name, "1"])).toEqual([]);
  },
);

test.each([
  [[], "missing"],
  [["x-a", "2"], "not of the list"],
  [["x-a", "1", "X-A", "1"], "there twice"],
  [["x-a", "1,1"], "a list"],
  [["x-a", "1", "content_x-a", "1", "x-a", "2"], "there twice with another value"],
] as const)("a header with a list is refused if it is %j: %s", (lines, _problem) => {
  const refused = { reason: "header_not_allowed", name: "x-a", why: "not_listed" };
  const headers = new Map([["x-a", ["1", "3"]]]);
  expect(kept(headers, lines)).toEqual(refused);
  expect(refusal([{ requests: [{ headers }] }], { headers: lines })).toEqual(refused);
  expect(kept(headers, ["X-A", " 1 "])).toEqual(["X-A", " 1 "]);
});

test("a second spelling of a listed header, which an alternative does not drop, is refused", () => {
  const requests = [{ headers: new Map([["x-a", ["1"]]]) }];
  expect(refusal([{ requests }], { headers: ["X-A", "1"] })).toBeUndefined();
  for (const name of ["x_a", "X.A", "x-a"])
    expect(refusal([{ requests }], { headers: ["X-A", "1", name, "2"] })).toMatchObject({ name: "x-a" });
});

test("an alternative requires headers and drops none", () => {
  const requests = [
    {
      headers: new Map<string, "any" | string[]>([
        ["x-a", ["1"]],
        ["x-b", "any"],
      ]),
    },
  ];
  const headers = ["X-C", "1", "X-A", "1"];
  const outcome = apply([{ requests }], { headers });
  expect(outcome.ok && outcome.value).toEqual(headers);
});

test("a listed header can be one that the target sets, and no other one of the target", () => {
  const limits: Limits = { headers: new Map([["x-amz-target", ["A"]]]) };
  expect(refusal([limits], { fixedHeaders: ["X-Amz-Target", "A"] })).toBeUndefined();
  expect(refusal([limits], { fixedHeaders: ["X-Amz-Target", "B"] })).toMatchObject({ name: "x-amz-target" });
  const outcome = apply([limits], { headers: ["Accept", "a"], fixedHeaders: ["X-Amz-Target", "A"] });
  expect(outcome.ok && outcome.value).toEqual(["Accept", "a"]);
});

test("a header that one capability drops cannot satisfy another one", () => {
  const required: Limits = { headers: new Map([["x-a", ["1"]]]) };
  const other: Limits = { headers: new Map([["x-b", "any"]]) };
  const headers = ["X-A", "1"];
  for (const chain of [
    [required, other],
    [other, required],
  ])
    expect(refusal(chain, { headers })).toMatchObject({ reason: "header_not_allowed", name: "x-a" });
});

test("a header that is not named is refused if the request would mean something else without it", () => {
  const rule: SignedHeaderRule = (name) =>
    (
      {
        "x-amz-copy-source": "refuse",
        "x-amz-meta-a": "pass",
        "x-amz-trailer": "framing",
        "x-amz-user-agent": "drop",
      } as const
    )[name];
  const headers = new Map([["x-a", "any"]] as const);
  for (const name of ["X-Amz-Copy-Source", "Destination", "x-ms-copy-source", "impersonate-extra-a"])
    expect(kept(headers, [name, "1"], rule)).toEqual({
      reason: "header_not_allowed",
      name,
      why: "not_named",
    });
  expect(kept(headers, ["x-amz-meta-a", "1", "x-amz-user-agent", "2", "X-Amz-Trailer", "3"], rule)).toEqual([
    "x-amz-meta-a",
    "1",
    "X-Amz-Trailer",
    "3",
  ]);
  expect(kept(new Map([["x-amz-copy-source", "any"]]), ["X-Amz-Copy-Source", "/b/k"], rule)).toHaveLength(2);
});

test("a header of MCP must be named by each capability that names such headers, and by the others to pass", () => {
  const named = (...names: string[]): Limits => ({
    headers: new Map(names.map((name) => [name, "any"] as const)),
  });
  const headers = ["mcp-method", "a"];
  const one = named("mcp-method");
  expect(refusal([one, named("mcp-name")], { headers })).toMatchObject({
    name: "mcp-method",
    why: "not_named",
  });
  const dropped = apply([one, named("x-a")], { headers });
  expect(dropped.ok && dropped.value).toEqual([]);
  const passed = apply([one, named("mcp-method", "mcp-name")], { headers });
  expect(passed.ok && passed.value).toEqual(headers);
});

test("what is for another Membrane Service passes a limit on headers", () => {
  const lines = ["X-Payload-Sha256", "abc", "Membrane-Operation", "export"];
  expect(kept(new Map(), lines)).toEqual(lines);
});

const MCP: HeaderLimit = new Map([
  ["mcp-method", ["tools/call", "tools/list"]],
  ["mcp-name", ["search"]],
  ["mcp-protocol-version", ["2026-07-28"]],
]);
const VERSION = ["MCP-Protocol-Version", "2026-07-28"];

test.each([
  ["tools/call", ["Mcp-Name", "search"]],
  ["tools/call", ["Mcp-Name", "=?base64?c2VhcmNo?="]],
  ["=?base64?dG9vbHMvY2FsbA==?=", ["Mcp-Name", "search"]],
  ["tools/list", []],
  ["tools/list", ["Mcp-Name", "search"]],
])("one tool of an MCP server: %s with %j is admitted", (method, lines) => {
  const headers = ["Mcp-Method", method, ...lines, ...VERSION];
  expect(kept(MCP, headers)).toEqual(headers);
});

test.each([
  [["Mcp-Method", "tools/call"], "mcp-name"],
  [["Mcp-Method", "tools/call", "Mcp-Name", "delete"], "mcp-name"],
  [["Mcp-Method", "tools/call", "Mcp-Name", "=?base64?ZGVsZXRl?="], "mcp-name"],
  [["Mcp-Method", "tools/call", "Mcp-Name", "=?BASE64?c2VhcmNo?="], "mcp-name"],
  [["Mcp-Method", "tools/call", "Mcp-Name", "search", "mcp-name", "delete"], "mcp-name"],
  [["Mcp-Method", "tools/list", "Mcp-Name", "delete"], "mcp-name"],
  [["Mcp-Method", "tools/list", "Mcp-Method", "tools/call", "Mcp-Name", "search"], "mcp-method"],
  [["Mcp-Method", "=?base64?dG9vbHMvY2FsbA==?=", "Mcp-Name", "delete"], "mcp-name"],
  [["Mcp-Method", "prompts/get", "Mcp-Name", "search"], "mcp-method"],
  [["Mcp-Name", "search"], "mcp-method"],
] as const)("one tool of an MCP server: %j is refused for %s", (lines, name) => {
  expect(kept(MCP, [...lines, ...VERSION])).toEqual({
    reason: "header_not_allowed",
    name,
    why: "not_listed",
  });
});

test.each([
  [[], false],
  [["Mcp-Method", "tools/list"], true],
  [["Mcp-Method", "resources/read"], false],
  [["Mcp-Method", "prompts/get"], false],
  [["Mcp-Method", "tools/list", "Mcp-Method", "=?base64?_?="], false],
  [["Mcp-Method", "=?base64?_?="], false],
] as const)(
  "a name alone is required unless the one method is known to have none: %j",
  (lines, isAdmitted) => {
    expect(
      refusal([{ requests: [{ headers: new Map([["mcp-name", ["search"]]]) }] }], { headers: lines }) ===
        undefined,
    ).toBe(isAdmitted);
  },
);

test.each(["Mcp-Param-Region", "mcp-session-id", "mcp_name"])(
  "%s is refused if a limit names headers of this family and not this one, and dropped otherwise",
  (name) => {
    const refused = { reason: "header_not_allowed", name, why: "not_named" };
    expect(kept(new Map([["mcp-method", "any"]]), [name, "a"])).toEqual(refused);
    expect(kept(new Map([["x-a", "any"]]), [name, "a"])).toEqual([]);
  },
);
