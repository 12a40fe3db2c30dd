import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { INVALID_LIMITS } from "../../../testkit/src/invalid-exports.ts";
import { describeProblem } from "../result.ts";
import { checkServiceCapabilityLimits, parseLimits, startLimits } from "./parse-limits.ts";

const NOON = Date.UTC(2030, 0, 31, 12);

test("every limit is returned in its parsed form", () => {
  expect(
    parseLimits({
      expiresAt: "2030-01-31T12:00:00Z",
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

describe.each(INVALID_LIMITS)("%s", (path, wrong) => {
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
      expect(checkServiceCapabilityLimits({ ...limits, ...others }, operation)).toBeUndefined();
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
    expect(checkServiceCapabilityLimits({ maxUses: 1, [field]: value }, "query")?.field).toBe(
      `limits.${field}`,
    );
  });

  test("a revoke capability has no limit of uses, since a repeated revoke has the same response", () => {
    expect(checkServiceCapabilityLimits({ maxUses: 1 }, "revoke")?.field).toBe("limits.maxUses");
    expect(checkServiceCapabilityLimits({ expiresAt: 1 }, "revoke")).toBeUndefined();
  });
});
