const NOON = Date.UTC(2030, 0, 31, 12);
const NOON_TEXT = "2030-01-31T12:00:00Z";
const LONG = "a".repeat(4_097);
const many = <T>(count: number, entry: T): T[] => Array.from({ length: count }, () => entry);
const names = (count: number): object =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`n${at}`, true]));

const NOT_OBJECTS = [null, 0, "", "a", true, false, []];
const NOT_INTEGERS = [null, "1", true, [], {}, 1.5, -1, Number.NaN, Infinity, 2 ** 53];
const NOT_LISTS = [null, 0, "", "GET", true, {}, []];

/** Limits that are wrong, by the path that the refusal names. */
export const INVALID_LIMITS: readonly (readonly [path: string, limits: readonly unknown[]])[] = [
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

const NOT_BOOLEANS = [null, 0, 1, "", "true", [], {}, [true]];

const NEVER_OPENED =
  "Authorization X-Api-Key api-key x-goog-api-key X-Amz-Security-Token Cookie Host Connection TE Upgrade Transfer-Encoding " +
  "Content-Length Expect Via CDN-Loop X-Amz-Date x-amz-content-sha256 X-Cap-Date X-Payload-Sha256 Membrane-Operation " +
  "X-HTTP-Method-Override X-Method-Override X-Original-URL X_Rewrite_Url X_Api_Key x.api.key";

const SIGNED_FOR_LAMBDA = {
  "aws4-hmac-sha256": {
    awsAccessKeyId: "AKIDEXAMPLE",
    region: "us-east-1",
    service: "lambda",
    secretAccessKey: "secret",
  },
};

/** Openings of a target that are wrong, by the path that the refusal names. */
export const INVALID_OPENINGS: readonly (readonly [path: string, fields: readonly object[]])[] = [
  ["allowPath", NOT_BOOLEANS.map((allowPath) => ({ allowPath }))],
  ["encodedSlash", NOT_BOOLEANS.map((encodedSlash) => ({ allowPath: true, encodedSlash }))],
  ["encodedSlash", [{ encodedSlash: true }, { encodedSlash: true, allowPath: false }]],
  ["emptySegments", NOT_BOOLEANS.map((emptySegments) => ({ allowPath: true, emptySegments }))],
  ["emptySegments", [{ emptySegments: true }, { emptySegments: true, allowPath: false }]],
  ["emptySegments", [{ allowPath: true, emptySegments: true, hmac: SIGNED_FOR_LAMBDA }]],
  ["allowQuery", [null, 0, "", "page", {}, [], many(65, "a")].map((allowQuery) => ({ allowQuery }))],
  ["allowQuery[1]", ["", 1, null, LONG, "a\n", "\ud800"].map((key) => ({ allowQuery: ["a", key] }))],
  [
    "allowHeaders",
    [null, true, "", "accept", {}, [], many(65, "a")].map((allowHeaders) => ({ allowHeaders })),
  ],
  [
    "allowHeaders[1]",
    ["", 1, null, "a b", "a:", "a".repeat(257), ...NEVER_OPENED.split(" ")].map((name) => ({
      allowHeaders: ["accept", name],
    })),
  ],
];

/** Labels that are wrong. */
export const INVALID_LABELS: readonly unknown[] = [
  null,
  1,
  [],
  {},
  "a".repeat(129),
  "😀".repeat(129),
  "a\nb",
  "\u001b[31m",
  "\u007f",
  "\u0085",
  "\ud800",
];
