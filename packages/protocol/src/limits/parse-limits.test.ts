import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { describeProblem } from "../result.ts";
import { checkServiceLimits, parseLimits, startLimits } from "./parse-limits.ts";

const NOON = Date.UTC(2030, 0, 31, 12);
const NOON_TEXT = "2030-01-31T12:00:00Z";

test("every limit is returned in its parsed form", () => {
  expect(
    parseLimits({
      expiresAt: NOON_TEXT,
      notBefore: "2030-01-31T12:59:59.999+01:00",
      maxUses: 100,
      maxUsesEveryMs: 60_000,
      methods: ["GET", "M-SEARCH"],
      paths: ["/repos/*/issues", "/@scope%2Fpkg/**"],
      query: { prefix: ["a b", { startsWith: "p/" }], page: true },
      headers: { "MCP-Method": ["tools/call"], "mcp-name": ["größe"], Accept: true },
      requests: [
        { methods: ["GET"], query: {} },
        { paths: ["/"], headers: {} },
      ],
      maxBodyBytes: 0,
      clientCidrs: ["10.0.0.0/8", "2001:db8::1"],
      delegable: false,
    }),
  ).toEqual({
    ok: true,
    value: {
      expiresAt: NOON,
      notBefore: NOON - 1,
      maxUses: 100,
      maxUsesEveryMs: 60_000,
      methods: ["GET", "M-SEARCH"],
      paths: ["/repos/*/issues", "/@scope%2Fpkg/**"],
      query: new Map<string, unknown>([
        ["prefix", ["a b", { startsWith: "p/" }]],
        ["page", "any"],
      ]),
      headers: new Map<string, unknown>([
        ["mcp-method", ["tools/call"]],
        ["mcp-name", ["größe"]],
        ["accept", "any"],
      ]),
      requests: [
        { methods: ["GET"], query: new Map() },
        { paths: ["/"], headers: new Map() },
      ],
      maxBodyBytes: 0,
      clientCidrs: ["10.0.0.0/8", "2001:db8::1"],
      delegable: false,
    },
  });
  expect(parseLimits({ ttlMs: 1 })).toEqual({ ok: true, value: { ttlMs: 1 } });
});

test("no limits are limits, and a field that is undefined counts as absent", () => {
  expect(parseLimits({})).toEqual({ ok: true, value: {} });
  expect(parseLimits({ maxUses: undefined, unknown: undefined })).toEqual({ ok: true, value: {} });
});

test("a name of JavaScript's prototypes is a name like any other", () => {
  const query: unknown = JSON.parse('{"__proto__": true, "constructor": ["a"]}');
  expect(parseLimits({ query })).toEqual({
    ok: true,
    value: {
      query: new Map<string, unknown>([
        ["__proto__", "any"],
        ["constructor", ["a"]],
      ]),
    },
  });
});

const LONG = "a".repeat(4_097);
const many = <T>(count: number, entry: T): T[] => Array.from({ length: count }, () => entry);
const names = (count: number): object =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`n${at}`, true]));

const NOT_OBJECTS = [null, 0, "", "a", true, false, []];
const NOT_INTEGERS = [null, "1", true, [], {}, 1.5, -1, Number.NaN, Infinity, 2 ** 53];
const NOT_LISTS = [null, 0, "", "GET", true, {}, []];

/** Values of each field that are wrong, by the path that the refusal names. */
const WRONG: readonly (readonly [path: string, limits: readonly unknown[]])[] = [
  ["limits", NOT_OBJECTS],
  ["limits.unknown", [{ unknown: 1 }, { unknown: null }]],
  ["limits.ExpiresAt", [{ ExpiresAt: NOON_TEXT }]],
  ["limits.expiresAt", [null, NOON, "tomorrow", "2030-02-30T00:00:00Z"].map((expiresAt) => ({ expiresAt }))],
  ["limits.ttlMs", [...NOT_INTEGERS, 0, 36_525 * 86_400_000 + 1].map((ttlMs) => ({ ttlMs }))],
  ["limits.ttlMs", [{ ttlMs: 1, expiresAt: NOON_TEXT }]],
  ["limits.notBefore", [null, NOON, "now"].map((notBefore) => ({ notBefore }))],
  ["limits.notBefore", [{ notBefore: NOON_TEXT, expiresAt: NOON_TEXT }]],
  ["limits.maxUses", [...NOT_INTEGERS, 0].map((maxUses) => ({ maxUses }))],
  ["limits.maxUsesEveryMs", [...NOT_INTEGERS, 999].map((maxUsesEveryMs) => ({ maxUses: 1, maxUsesEveryMs }))],
  ["limits.maxUsesEveryMs", [{ maxUsesEveryMs: 1_000 }]],
  ["limits.methods", [...NOT_LISTS, many(65, "GET")].map((methods) => ({ methods }))],
  [
    "limits.methods[1]",
    [null, "", "get", "TRACE", "CONNECT", "GET ", 1].map((m) => ({ methods: ["GET", m] })),
  ],
  ["limits.paths", [...NOT_LISTS, many(65, "/")].map((paths) => ({ paths }))],
  [
    "limits.paths[3]",
    [null, 1, "", "a", "/a*", "/**/b", "/%61", "/a?b", "/..", `/${LONG}`].map((path) => ({
      paths: ["/", "/", "/", path],
    })),
  ],
  ["limits.query", [...NOT_OBJECTS, names(65)].map((query) => ({ query }))],
  ["limits.query.", [{ query: { "": true } }]],
  ["limits.query.a?b", [{ query: { "a\nb": true } }]],
  [
    "limits.query.prefix",
    [null, false, 0, "a", {}, [], many(65, "a")].map((v) => ({ query: { prefix: v } })),
  ],
  ["limits.query.prefix[0]", [0, true, "a\0", "\ud800", LONG, []].map((v) => ({ query: { prefix: [v] } }))],
  ["limits.query.prefix[0].startsWith", [{ query: { prefix: [{}] } }]],
  [
    "limits.query.prefix[0].startsWith",
    [null, 1, "", "\n", LONG].map((startsWith) => ({ query: { prefix: [{ startsWith }] } })),
  ],
  ["limits.query.prefix[0].endsWith", [{ query: { prefix: [{ endsWith: "a" }] } }]],
  ["limits.headers", [...NOT_OBJECTS, names(65)].map((headers) => ({ headers }))],
  ["limits.headers.a?b", [{ headers: { "a b": true } }]],
  ["limits.headers.X-Api-Key", [{ headers: { "X-Api-Key": true } }]],
  ["limits.headers.ACCEPT", [{ headers: { accept: true, ACCEPT: true } }]],
  [
    "limits.headers.accept",
    [null, false, "a", {}, [], many(65, "a")].map((v) => ({ headers: { accept: v } })),
  ],
  [
    "limits.headers.accept[0]",
    [null, 0, "a\r", LONG, { startsWith: "a" }].map((v) => ({ headers: { accept: [v] } })),
  ],
  ["limits.requests", [...NOT_LISTS, many(33, { methods: ["GET"] })].map((requests) => ({ requests }))],
  ["limits.requests[0]", [...NOT_OBJECTS, {}].map((entry) => ({ requests: [entry] }))],
  ["limits.requests[0].maxUses", [{ requests: [{ maxUses: 1 }] }]],
  ["limits.requests[1].paths[0]", [{ requests: [{ paths: ["/"] }, { paths: ["a"] }] }]],
  ["limits.requests[0].query.q[1]", [{ requests: [{ query: { q: ["a", 1] } }] }]],
  ["limits.maxBodyBytes", NOT_INTEGERS.map((maxBodyBytes) => ({ maxBodyBytes }))],
  ["limits.clientCidrs", [...NOT_LISTS, many(65, "::1")].map((clientCidrs) => ({ clientCidrs }))],
  [
    "limits.clientCidrs[0]",
    [null, 1, "", "localhost", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/8 "].map((c) => ({ clientCidrs: [c] })),
  ],
  ["limits.delegable", [null, true, 0, "false"].map((delegable) => ({ delegable }))],
  ["limits", [{ requests: many(32, { paths: many(64, `/${"a".repeat(50)}`) }) }]],
];

describe.each(WRONG)("%s", (path, wrong) => {
  test.each(wrong.map((limits) => [JSON.stringify(limits)?.slice(0, 80), limits]))(
    "is named when the limits %s are refused",
    (_, limits) => {
      expect(parseLimits(limits)).toMatchObject({ ok: false, error: { field: path } });
    },
  );
});

test("a refusal never contains the offending value", () => {
  const canary = "canary-7f3a\0";
  const fields = "expiresAt ttlMs maxUses methods paths query headers requests clientCidrs".split(" ");
  const value = fc.oneof(fc.constant(canary), fc.constant([canary]), fc.constant({ accept: [canary] }));
  fc.assert(
    fc.property(fc.constantFrom(...fields), value, (field, wrong) => {
      const parsed = parseLimits({ [field]: wrong });
      expect(parsed.ok || describeProblem(parsed.error)).not.toContain("canary");
    }),
  );
});

test("the parser returns a value for any JSON and never throws", () => {
  const anything = fc.jsonValue({ stringUnit: "binary", maxDepth: 3 });
  const near = fc.record(
    {
      expiresAt: anything,
      maxUses: anything,
      methods: fc.array(fc.oneof(fc.constant("GET"), anything)),
      paths: fc.array(fc.oneof(fc.webPath(), anything)),
      query: fc.dictionary(fc.string(), anything),
      headers: fc.dictionary(fc.string(), anything),
      requests: fc.array(fc.record({ paths: anything, query: anything }, { requiredKeys: [] })),
      clientCidrs: anything,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(near, anything), (limits) => {
      expect(parseLimits(limits).ok).toBeTypeOf("boolean");
    }),
  );
});

describe("startLimits", () => {
  test("a duration becomes the time at which the capability is dead", () => {
    expect(startLimits({ ttlMs: 5, maxUses: 1 }, NOON)).toEqual({
      ok: true,
      value: { expiresAt: NOON + 5, maxUses: 1 },
    });
  });

  test("limits without a duration stay as they are", () => {
    expect(startLimits({ expiresAt: 1 }, NOON)).toEqual({ ok: true, value: { expiresAt: 1 } });
  });

  test("a duration that ends before the capability is valid is refused", () => {
    expect(startLimits({ ttlMs: 5, notBefore: NOON + 5 }, NOON)).toMatchObject({
      error: { field: "limits.notBefore" },
    });
    expect(startLimits({ ttlMs: 5, notBefore: NOON + 4 }, NOON).ok).toBe(true);
  });
});

describe("a capability of the service itself", () => {
  test.each(["create", "query", "export", "delete-self", "provision"] as const)(
    "can have limits of time, uses, addresses and delegation: %s",
    (operation) => {
      const limits = { expiresAt: 2, notBefore: 1, maxUses: 1, maxUsesEveryMs: 1_000 };
      const others = { ttlMs: 1, clientCidrs: ["::1"], delegable: false } as const;
      expect(checkServiceLimits({ ...limits, ...others }, operation)).toBeUndefined();
    },
  );

  test.each([
    ["methods", ["GET"]],
    ["paths", ["/"]],
    ["query", new Map()],
    ["headers", new Map()],
    ["requests", [{ methods: ["GET"] }]],
    ["maxBodyBytes", 1],
  ])("cannot have %s", (field, value) => {
    expect(checkServiceLimits({ maxUses: 1, [field]: value }, "query")?.field).toBe(`limits.${field}`);
  });

  test("a revoke capability has no limit of uses, since a repeated revoke has the same response", () => {
    expect(checkServiceLimits({ maxUses: 1 }, "revoke")?.field).toBe("limits.maxUses");
    expect(checkServiceLimits({ expiresAt: 1 }, "revoke")).toBeUndefined();
  });
});
