import type { HeaderLimit, Limits } from "capability-protocol";
import { expect, test } from "vitest";
import { applyChain, keptHeaders, refusal } from "../../../../testkit/src/applied-limits.ts";
import type { SignedHeaderRule } from "./header-limit.ts";

test("only the headers that each capability names reach the target, and those that describe or restrict", () => {
  const other = ["X-C", "3", "User-Agent", "c"];
  const describing = ["Content-Type", "a/b", "Accept", "*/*", "Accept-Language", "de", "Range", "bytes=0-"];
  const always = [...describing, "If-None-Match", "*", "Sec-WebSocket-Key", "k"];
  const lines = ["X-A", "1", "x-b", "2", ...other, ...always];
  expect(
    keptHeaders(
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
  const outcome = applyChain(chain, { headers: lines });
  expect(outcome.ok && outcome.value).toEqual(["x-b", "2", ...always]);
});

test.each(["X_A", "x.a", "If_None-Match", "Accept_Language", "Content", "Range-Unit", "Acceptance", "X-Ä"])(
  "%s is another spelling than a header that passes, and is dropped",
  (name) => {
    const headers = new Map([
      ["x-a", "any"],
      ["accept", "any"],
    ] as const);
    expect(keptHeaders(headers, [name, "1"])).toEqual([]);
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
  expect(keptHeaders(headers, lines)).toEqual(refused);
  expect(refusal([{ requests: [{ headers }] }], { headers: lines })).toEqual(refused);
  expect(keptHeaders(headers, ["X-A", " 1 "])).toEqual(["X-A", " 1 "]);
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
  const outcome = applyChain([{ requests }], { headers });
  expect(outcome.ok && outcome.value).toEqual(headers);
});

test("a listed header can be one that the target sets, and no other one of the target", () => {
  const limits: Limits = { headers: new Map([["x-amz-target", ["A"]]]) };
  expect(refusal([limits], { fixedHeaders: ["X-Amz-Target", "A"] })).toBeUndefined();
  expect(refusal([limits], { fixedHeaders: ["X-Amz-Target", "B"] })).toMatchObject({ name: "x-amz-target" });
  const outcome = applyChain([limits], { headers: ["Accept", "a"], fixedHeaders: ["X-Amz-Target", "A"] });
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
    expect(keptHeaders(headers, [name, "1"], rule)).toEqual({
      reason: "header_not_allowed",
      name,
      why: "not_named",
    });
  expect(
    keptHeaders(headers, ["x-amz-meta-a", "1", "x-amz-user-agent", "2", "X-Amz-Trailer", "3"], rule),
  ).toEqual(["x-amz-meta-a", "1", "X-Amz-Trailer", "3"]);
  expect(
    keptHeaders(new Map([["x-amz-copy-source", "any"]]), ["X-Amz-Copy-Source", "/b/k"], rule),
  ).toHaveLength(2);
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
  const dropped = applyChain([one, named("x-a")], { headers });
  expect(dropped.ok && dropped.value).toEqual([]);
  const passed = applyChain([one, named("mcp-method", "mcp-name")], { headers });
  expect(passed.ok && passed.value).toEqual(headers);
});

test.each([
  "Remote-User",
  "X-Forwarded-User",
  "X-Webauth-User",
  "Forwarded",
  "X-Real-Ip",
  "Ssl-Client-Cert",
  "X-Host",
])(
  "%s, which reaches a target only if its exporter opens it, is dropped unless the limit names it",
  (name) => {
    expect(keptHeaders(new Map(), [name, "admin"])).toEqual([]);
    expect(keptHeaders(new Map([["x-a", "any"]]), [name, "admin", "X-A", "1"])).toEqual(["X-A", "1"]);
    expect(keptHeaders(new Map([[name.toLowerCase(), "any"]]), [name, "admin"])).toEqual([name, "admin"]);
  },
);

test("what is for another Membrane Service passes a limit on headers", () => {
  const lines = ["X-Payload-Sha256", "abc", "Membrane-Operation", "export"];
  expect(keptHeaders(new Map(), lines)).toEqual(lines);
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
])("by listed values of the headers of MCP, %s with %j is admitted", (method, lines) => {
  const headers = ["Mcp-Method", method, ...lines, ...VERSION];
  expect(keptHeaders(MCP, headers)).toEqual(headers);
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
] as const)("by listed values of the headers of MCP, %j is refused for %s", (lines, name) => {
  expect(keptHeaders(MCP, [...lines, ...VERSION])).toEqual({
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
    expect(keptHeaders(new Map([["mcp-method", "any"]]), [name, "a"])).toEqual(refused);
    expect(keptHeaders(new Map([["x-a", "any"]]), [name, "a"])).toEqual([]);
  },
);
