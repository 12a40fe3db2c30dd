import type { HeaderLimit, Limits, ListedValue, QueryLimit, RequestLimit } from "capability-protocol";
import { canonicalizePath } from "capability-protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { applyLimits } from "./apply-limits.ts";
import { compileLimits } from "./compiled-limits.ts";
import type { CheckedRequest } from "./check-rules.ts";

/*
 * The model: docs/limits.md, sentence by sentence, without compilation, stages and refusals. The rules of the
 * target's signature are a table.
 */

type Pair = readonly [name: string, value: string];

/** "An invocation must satisfy the limits of the capability presented and of every capability that it re-exports." */
function modelAdmits(chain: readonly Limits[], request: CheckedRequest): boolean {
  const passing = modelPassing(chain, request);
  return passing !== undefined && chain.every((limits) => satisfies(limits, request, passing));
}

/** "Only these headers pass, others are dropped", or refused; nothing if one is refused. */
function modelPassing(chain: readonly Limits[], { headers }: CheckedRequest): readonly Pair[] | undefined {
  const lines = Array.from({ length: headers.length / 2 }, (_, i): Pair => [
    headers[2 * i]!,
    headers[2 * i + 1]!,
  ]);
  const named = chain.flatMap((limits) => (limits.headers === undefined ? [] : [limits.headers]));
  const isRefused = ([name]: Pair): boolean =>
    named.some((limit) => !limit.has(name.toLowerCase()) && changesMeaning(name.toLowerCase(), limit));
  if (lines.some(isRefused)) return undefined;
  return lines.filter(([name]) =>
    named.every((limit) => limit.has(name.toLowerCase()) || passesUnnamed(name.toLowerCase())),
  );
}

/** They describe, are needed by the signature, or are for another service of this kind. */
function passesUnnamed(name: string): boolean {
  const isNeeded = SIGNED_RULES[name] === "pass" || name === "membrane-operation";
  return isNeeded || /^(if-|range$|content-|accept)/.test(name);
}

function changesMeaning(name: string, limit: HeaderLimit): boolean {
  return (
    name === "destination" ||
    name === "impersonate-user" ||
    SIGNED_RULES[name] === "refuse" ||
    (/^mcp[-_]/.test(name) && [...limit.keys()].some((key) => key.startsWith("mcp-")))
  );
}

function satisfies({ requests, ...own }: Limits, request: CheckedRequest, passing: readonly Pair[]): boolean {
  const holds = (limit: RequestLimit): boolean => satisfiesOne(limit, request, passing);
  return holds(own) && (requests === undefined || requests.some(holds));
}

function satisfiesOne(
  { methods, paths, query, headers }: RequestLimit,
  request: CheckedRequest,
  passing: readonly Pair[],
): boolean {
  return (
    (methods === undefined || methods.includes(request.method)) &&
    (paths === undefined || paths.some((pattern) => toRegExp(pattern).test(request.path))) &&
    (query === undefined || satisfiesQuery(query, request.query)) &&
    (headers === undefined || satisfiesHeaders(headers, passing))
  );
}

/** "`*` is one non-empty part and never spans one; a final `**` is zero or more segments." */
function toRegExp(pattern: string): RegExp {
  const open = pattern.endsWith("/**");
  const pieces = (open ? pattern.slice(0, -3) : pattern)
    .split("*")
    .map((text) => text.replace(/[.]/g, "\\."));
  return new RegExp(`^${pieces.join("(?:(?!%2F)[^/])+")}${open ? "(/.*)?" : ""}$`);
}

/** "Only these names; a list makes the key required, single, and one of it." */
function satisfiesQuery(limit: QueryLimit, query: string): boolean {
  const raw = query
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair): Pair => {
      const [name, ...value] = pair.split("=");
      return [name!, value.join("=")];
    });
  if (query.includes(";") || raw.some(([name]) => name.includes("+"))) return false;
  const decoded = raw.map(([name, value]) => [tryDecode(name), tryDecode(value), value] as const);
  if (decoded.some(([name, value]) => name === undefined || value === undefined || !limit.has(name)))
    return false;
  return [...limit].every(([name, allowed]) => {
    if (allowed === "any") return true;
    const values = decoded.filter(([key]) => key === name);
    return (
      values.length === 1 &&
      !values[0]![2].includes("+") &&
      allowed.some((one) => equals(one, values[0]![1]!))
    );
  });
}

function equals(listed: ListedValue, value: string): boolean {
  return typeof listed === "string" ? listed === value : value.startsWith(listed.startsWith);
}

/** "Invalid UTF-8, control characters: 403." */
function tryDecode(text: string): string | undefined {
  try {
    const decoded = decodeURIComponent(text);
    return [...decoded].some((character) => character < " ") ? undefined : decoded;
  } catch {
    return undefined;
  }
}

/** "`mcp-name` is required only for" them. */
const NAMED_METHODS = new Set(["tools/call", "resources/read", "prompts/get"]);

/** "A list makes the header required, single, one of it." */
function satisfiesHeaders(limit: HeaderLimit, passing: readonly Pair[]): boolean {
  const valuesOf = (name: string) =>
    passing.filter(([other]) => other.toLowerCase().replaceAll("_", "-") === name);
  return [...limit].every(([name, allowed]) => {
    if (allowed === "any") return true;
    const lines = valuesOf(name);
    const methods = valuesOf("mcp-method");
    const isOptional =
      name === "mcp-name" &&
      methods.length === 1 &&
      !NAMED_METHODS.has(methods[0]![1]) &&
      !methods[0]![0].includes("_");
    if (lines.length === 0 && isOptional) return true;
    return lines.length === 1 && !lines[0]![0].includes("_") && allowed.includes(lines[0]![1]);
  });
}

// Alphabets are small, so that what limits name and what requests have meet often.
const METHODS = ["GET", "HEAD", "POST"];
const QUERY_KEYS = ["a", "b", "é"];
const PLAIN_NAMES = ["x-a", "x-b", "if-match", "content-type", "mcp-method", "mcp-name"];
/** Of each family that reaches a target only if its exporter opens it: proxies, other resources and users, credentials, signatures. */
const OPENED_NAMES = [
  "remote-user",
  "x-forwarded-user",
  "x-webauth-user",
  "destination",
  "impersonate-user",
  "private-token",
  "x-amz-copy-source",
  "x-amz-meta-a",
  "x-amz-user-agent",
  "x-amzn-oidc-data",
];
const SIGNED_RULES: Readonly<Record<string, "pass" | "drop" | "refuse" | undefined>> = {
  "x-amz-copy-source": "refuse",
  "x-amz-meta-a": "pass",
  "x-amz-user-agent": "drop",
  "x-amzn-oidc-data": "refuse",
};
const HEADER_NAMES = [...PLAIN_NAMES, ...OPENED_NAMES];
const HEADER_VALUES = ["1", "2", "tools/call", "tools/list"];

const segment = fc.constantFrom("a", "b", "p%2Fa", ".a", "a;b");
const path = fc
  .tuple(fc.array(segment, { maxLength: 3 }), fc.boolean())
  .map(([segments, isOpen]) => `/${segments.join("/")}${isOpen && segments.length > 0 ? "/" : ""}`);
const pattern = fc
  .tuple(fc.array(fc.oneof(segment, fc.constantFrom("*", "*%2F*", "**")), { maxLength: 3 }))
  .map(
    ([segments]) =>
      `/${segments.map((each, i) => (each === "**" && i < segments.length - 1 ? "*" : each)).join("/")}`,
  );

const listed = fc.oneof(
  fc.constantFrom("", "1", "p/", "p/a", "+"),
  fc.constantFrom({ startsWith: "p/" }, { startsWith: "" }),
);

function named<T>(
  names: readonly string[],
  value: fc.Arbitrary<T>,
): fc.Arbitrary<ReadonlyMap<string, "any" | readonly T[]>> {
  const allowed = fc.oneof(fc.constant("any" as const), fc.array(value, { minLength: 1, maxLength: 2 }));
  return fc
    .uniqueArray(fc.tuple(fc.constantFrom(...names), allowed), { selector: ([name]) => name, maxLength: 4 })
    .map((entries) => new Map(entries));
}

const field = {
  methods: fc.subarray(METHODS, { minLength: 1 }),
  paths: fc.array(pattern, { minLength: 1, maxLength: 4 }),
  query: named(QUERY_KEYS, listed),
  headers: named(HEADER_NAMES, fc.constantFrom(...HEADER_VALUES)),
};

/** Mostly one condition, since few requests satisfy several. */
const requestLimit: fc.Arbitrary<RequestLimit> = fc.oneof(
  ...(["methods", "paths", "query", "headers"] as const).map((name) =>
    field[name].map((value): RequestLimit => ({ [name]: value })),
  ),
  fc.record(field, { requiredKeys: [] }),
);

const limits: fc.Arbitrary<Limits> = fc
  .tuple(
    requestLimit,
    fc.option(fc.array(requestLimit, { minLength: 1, maxLength: 3 }), { nil: undefined, freq: 1 }),
  )
  .map(([own, requests]) => (requests === undefined ? own : Object.assign({ requests }, own)));

const pair = fc
  .tuple(
    fc.constantFrom("a", "b", "%61", "%C3%A9", "c", "a+", "%FF", ""),
    fc.constantFrom("", "=", "=1", "=p/", "=p%2Fa", "=p/+", "=%00", "=1;b=1", "=%2B"),
  )
  .map(([name, value]) => `${name}${value}`);

const line = fc.tuple(
  fc.constantFrom(...HEADER_NAMES, "X-A", "x_a", "mcp_name", "mcp-x", "Remote-User", "membrane-operation"),
  fc.constantFrom(...HEADER_VALUES),
);

const request: fc.Arbitrary<CheckedRequest> = fc
  .record({
    method: fc.constantFrom(...METHODS),
    path: path.map((text) => canonicalizePath(text, { encodedSlash: true, emptySegments: true })),
    query: fc.array(pair, { maxLength: 3 }).map((pairs) => pairs.join("&")),
    headers: fc.array(line, { maxLength: 3 }).map((lines) => lines.flat()),
  })
  .map(({ method, path: canonical, query, headers }) => {
    if (!canonical.ok) throw new Error(canonical.error.message);
    return { method, path: canonical.value, query, headers, fixedHeaders: [] };
  });

const chain = fc.array(limits, { minLength: 1, maxLength: 2 });

function check(nodes: readonly Limits[], given: CheckedRequest) {
  const compiled = compileLimits(nodes.map((each) => ({ limits: each })));
  return compiled === undefined ? undefined : applyLimits(compiled, given, (name) => SIGNED_RULES[name]);
}

function admits(nodes: readonly Limits[], given: CheckedRequest): boolean {
  return check(nodes, given)?.ok !== false;
}

test("a chain admits exactly what every capability in it admits, by a model that reads like the documentation", () => {
  const seen = { admitted: 0, refused: 0 };
  fc.assert(
    fc.property(chain, request, (nodes, given) => {
      const expected = modelAdmits(nodes, given);
      expect(admits(nodes, given)).toBe(expected);
      seen[expected ? "admitted" : "refused"] += 1;
    }),
    { numRuns: 5_000 },
  );
  expect(Math.min(seen.admitted, seen.refused)).toBeGreaterThan(200);
});

test("the headers that reach the target are those that every capability passes", () => {
  fc.assert(
    fc.property(chain, request, (nodes, given) => {
      const outcome = check(nodes, given);
      if (outcome?.ok === true) expect(outcome.value).toEqual(modelPassing(nodes, given)?.flat());
    }),
    { numRuns: 2_000 },
  );
});

test("a child never admits what an ancestor refuses, whatever its own limits", () => {
  fc.assert(
    fc.property(chain, limits, request, (ancestors, own, given) => {
      fc.pre(!admits(ancestors, given));
      expect(admits([own, ...ancestors], given)).toBe(false);
    }),
    { numRuns: 2_000 },
  );
});
