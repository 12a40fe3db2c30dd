import { parseExportRequest } from "capability-protocol";
import type { LimitsBody, TargetBody } from "capability-sdk";
import { expect, test } from "vitest";
import { makeCapability } from "../../../../test/support/capabilities.ts";
import { findLimitWarnings } from "./limit-warnings.ts";

const NOW = new Date("2026-01-01T00:00:00Z");

/** Returns the warnings, a line each. */
function warnings(body: object): readonly string[] {
  const request = parseExportRequest(body);
  if (!request.ok) throw new TypeError(request.error.field);
  return findLimitWarnings(request.value, NOW).map(({ field, message }) => `${field}: ${message}`);
}

function ofTarget(limits: LimitsBody, target: Partial<TargetBody> = {}): readonly string[] {
  return warnings({ uri: "https://a.test/v1", ...target, limits });
}

const AWS4 = {
  "aws4-hmac-sha256": { awsAccessKeyId: "A", region: "r", service: "dynamodb", secretAccessKey: "k" },
};

/** Limits that no request satisfies, or that limit nothing, and the warning. */
const USELESS: readonly (readonly [limits: LimitsBody, target: Partial<TargetBody>, warning: string])[] = [
  [
    { paths: ["/a"] },
    {},
    "limits.paths[0]: admits no request: without --allow-path there is only the path /",
  ],
  [{ paths: ["/", "/*"] }, {}, "limits.paths[1]: admits no request: without --allow-path"],
  [{ paths: ["/a%2Fb"] }, { allowPath: true }, "limits.paths[0]: admits no request without --encoded-slash"],
  [{ paths: ["/a//b"] }, { allowPath: true }, "limits.paths[0]: admits no request without --empty-segments"],
  [
    { paths: ["/v1/models"] },
    { allowPath: true },
    "limits.paths[0]: begins with the path of --uri, /v1, and is relative to it: it admits /v1/v1/models",
  ],
  [
    { paths: ["/v1"] },
    { allowPath: true, uri: "https://a.test/v1/" },
    "limits.paths[0]: begins with the path of --uri, /v1,",
  ],
  [
    { methods: ["GET"] },
    { method: "POST" },
    "limits.methods: admits no request, since every one is sent to the target with POST",
  ],
  [
    { query: { a: ["1"] } },
    {},
    "limits.query.a: admits no request, since no such key passes without --allow-query",
  ],
  [
    { query: { a: true } },
    {},
    "limits.query.a: has no effect, since no such key passes without --allow-query",
  ],
  [
    { query: { a: ["1"] } },
    { allowQuery: ["b"] },
    "limits.query.a: admits no request, since no such key passes without --allow-query-key a",
  ],
  [
    { headers: { "X-Amz-Target": ["DynamoDB_20120810.GetItem"] } },
    { hmac: AWS4 },
    "limits.headers.x-amz-target: admits no request, since it does not pass without --allow-header x-amz-target",
  ],
  [{ headers: { "x-amz-target": true } }, { hmac: AWS4 }, "limits.headers.x-amz-target: has no effect"],
  [
    { headers: { "amz-sdk-request": ["1"] } },
    { hmac: AWS4 },
    "limits.headers.amz-sdk-request: admits no request",
  ],
  [
    { headers: { "x-a": ["1"] } },
    { headers: { "X-A": "2" } },
    "limits.headers.x-a: admits no request, since --header sets another value",
  ],
  [
    { methods: ["DELETE"], requests: [{ methods: ["GET"] }, { methods: ["POST"], paths: ["/"] }] },
    {},
    "limits.methods: admits no request, since no alternative of requests has one of them",
  ],
  [{ requests: [{ paths: ["/"] }, { paths: ["/a"] }] }, {}, "limits.requests[1].paths[0]: admits no request"],
  [{ requests: [{ query: { a: ["1"] } }] }, {}, "limits.requests[0].query.a: admits no request"],
  [
    { expiresAt: "2025-12-31T23:59:59Z" },
    {},
    "limits.expiresAt: this time has passed, so the capability never works",
  ],
];

test.each(USELESS)("%j of a target with %j has a warning: %s", (limits, target, warning) => {
  const found = ofTarget(limits, target);
  expect(found).toHaveLength(1);
  expect(found[0]?.startsWith(warning), found[0]).toBe(true);
});

/** Limits that can be met. */
const USEFUL: readonly (readonly [limits: LimitsBody, target: Partial<TargetBody>])[] = [
  [{}, {}],
  [{ paths: ["/"] }, {}],
  [{ paths: ["/**"] }, {}],
  [{ paths: ["/models", "/v1x/**", "/*"] }, { allowPath: true }],
  [{ paths: ["/**", "/a"] }, { allowPath: true, uri: "https://a.test/" }],
  [{ paths: ["/a%2Fb", "/c//d"] }, { allowPath: true, encodedSlash: true, emptySegments: true }],
  [{ methods: ["GET", "POST"] }, { method: "POST" }],
  [{ methods: ["GET"] }, {}],
  [{ methods: ["GET"], requests: [{ methods: ["POST"] }, { paths: ["/"] }] }, {}],
  [{ query: { a: ["1"], b: true } }, { allowQuery: true }],
  [{ query: { a: ["1"] } }, { allowQuery: ["a"] }],
  [{ headers: { "x-a": ["1"] } }, {}],
  [{ headers: { "x-a": ["1", "2"] } }, { headers: { "X-A": "2" } }],
  [{ headers: { "x-amz-target": ["a"] } }, { hmac: AWS4, allowHeaders: ["X-Amz-Target"] }],
  [{ headers: { "amz-sdk-request": true } }, { hmac: AWS4 }],
  [{ expiresAt: "2026-01-01T00:00:01Z", notBefore: "2020-01-01T00:00:00Z" }, {}],
];

test.each(USEFUL)("%j of a target with %j has no warning", (limits, target) => {
  expect(ofTarget(limits, target)).toEqual([]);
});

test("of a re-export only an end that has passed is known to be useless", () => {
  const limits = { expiresAt: "2025-01-01T00:00:00Z", paths: ["/a"], query: { a: ["1"] } };
  expect(warnings({ capability: makeCapability(), limits })).toEqual([
    "limits.expiresAt: this time has passed, so the capability never works",
  ]);
});
