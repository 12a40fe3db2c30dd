import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseExportRequest } from "../src/api/export.ts";
import { MAX_LIMITS_LENGTH } from "../src/bounds.ts";
import { formatToken } from "../src/token.ts";

const SCHEMA = new URL("../../../docs/schema/export.json", import.meta.url);
const accepts = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false }).compile(
  JSON.parse(readFileSync(SCHEMA, "utf8")),
);

const URI = "https://api.example/v1";
const CAPABILITY = `cpblty://example.com:8443/#${formatToken(new Uint8Array(64).fill(7))}`;
const PEM = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
const AWS4 = { awsAccessKeyId: "AKID", region: "us-east-1", secretAccessKey: "secret/+=" };

/** A dictionary whose names differ, whatever their case. */
function dictionary(name: fc.Arbitrary<string>, value: fc.Arbitrary<unknown>): fc.Arbitrary<object> {
  return fc
    .uniqueArray(fc.tuple(name, value), { maxLength: 4, selector: ([each]) => each.toLowerCase() })
    .map((entries) => Object.fromEntries(entries));
}

function list<T>(entry: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  return fc.array(entry, { minLength: 1, maxLength: 3 });
}

const optional = { requiredKeys: [] };
const time = fc.constantFrom(
  "2030-01-31T12:00:00Z",
  "2030-01-31t12:00:00.25+01:30",
  "1999-12-31T23:59:59-23:59",
);
const text = fc.constantFrom("a", "p/", "größe", "a b", "%2F", "*", "😀".repeat(128));
const headerName = fc.constantFrom(
  "accept",
  "X-Amz-Target",
  "mcp-name",
  "if-match",
  "x_y",
  "sec-websocket-protocol",
);
const requestLimit = {
  methods: list(fc.constantFrom("GET", "M-SEARCH", "POST")),
  paths: list(
    fc.constantFrom(
      "/",
      "/**",
      "/a/*/b",
      "/@s%2Fp/",
      "/*%2F*",
      "/a;x=1",
      "/%C3%A9%20%25",
      "//a",
      "/[x]/~:@!$&'()+,=",
    ),
  ),
  query: dictionary(text, fc.oneof(fc.constant(true), list(fc.oneof(text, fc.record({ startsWith: text }))))),
  headers: dictionary(headerName, fc.oneof(fc.constant(true), list(fc.oneof(text, fc.constant(""))))),
};

const limits = fc.oneof(
  fc.record({ expiresAt: time, maxUses: fc.nat().map((n) => n + 1), maxUsesEveryMs: fc.constant(1_000) }),
  fc.record({ ...requestLimit, ttlMs: fc.constantFrom(1, 3_155_760_000_000) }, optional),
  fc.record(
    { notBefore: fc.constant("1971-01-01T00:00:00Z"), maxBodyBytes: fc.nat(), delegable: fc.constant(false) },
    optional,
  ),
  fc.record({
    requests: list(fc.record(requestLimit, { requiredKeys: ["methods"] })),
    clientCidrs: list(fc.constantFrom("10.0.0.0/8", "::1", "2001:db8::/32")),
  }),
);
const label = fc.constantFrom("", "for Kim", "😀".repeat(128));
const reexport = fc.record(
  { capability: fc.constant(CAPABILITY), limits, label },
  { requiredKeys: ["capability"] },
);

const hmac = fc.oneof(
  fc.constantFrom("s3", "lambda").map((service) => ({ "aws4-hmac-sha256": { ...AWS4, service } })),
  fc.constant({ "cap1-hmac-sha512": { key: "c2VjcmV0", keyId: "1" } }),
);
const target = fc.record(
  {
    uri: fc.constantFrom(URI, "HTTP://a", "https://[::1]:8443/a?b=c"),
    method: fc.constantFrom("get", "POST", "m-Search"),
    headers: dictionary(
      fc.constantFrom("X-Api-Key", "authorization", "TE", "a"),
      fc.constantFrom("", "é\t", "secret"),
    ),
    allowPath: fc.boolean(),
    allowQuery: fc.oneof(fc.boolean(), list(text)),
    allowHeaders: list(headerName),
    encodedSlash: fc.boolean(),
    emptySegments: fc.boolean(),
    timeoutMs: fc.nat().map((n) => n + 1),
    hmac,
    tls: fc.record({ ca: fc.constant(PEM), cert: fc.constant(PEM), key: fc.constant(PEM) }, optional),
    limits,
    label,
  },
  { requiredKeys: ["uri"] },
);

/** Values that are wrong in most places, and right in some. */
const ANYTHING: readonly unknown[] = [
  [null, true, false, 0, 1, -1, 999, 1.5, 2 ** 53, 1e300, {}, { a: 1 }, { GET: true }, { host: "a" }],
  [[], [[]], [1], ["GET"], ["/"], Array.from({ length: 65 }, () => "/"), { "a b": true }],
  [
    "",
    "a",
    "a b",
    "\u0001",
    "\u0085",
    "é",
    "\ud800",
    "GET",
    "/",
    "/a",
    "/A%2f",
    "/%61",
    "/a*",
    "/**/a",
    "/a?b",
  ],
  ["2030-01-31", "10.0.0.0/8", "10.0.0.0/08", "https://h/", "ftp://h/", "true"],
  [129, 257, 4_097, 65_537].map((length) => "x".repeat(length)),
  [{ startsWith: "p" }, { startsWith: "" }, { "aws4-hmac-sha256": {} }],
].flat();

type Change =
  /** The member at a path is set. */
  | { readonly path: string; readonly value: unknown }
  /** The numbers select a member at each level. The last one is replaced or, with a name, another is added. */
  | { readonly steps: readonly number[]; readonly name: string | undefined; readonly value: unknown };

const NAMES = [
  "capability",
  "uri",
  "limits",
  "expiresAt",
  "ttlMs",
  "maxUsesEveryMs",
  "Host",
  "x-api-key",
  "",
  "a b",
  "__proto__",
];

const anyChange: fc.Arbitrary<Change> = fc.record({
  steps: fc.array(fc.nat({ max: 100 }), { minLength: 1, maxLength: 6 }),
  name: fc.option(fc.constantFrom(...NAMES), { nil: undefined }),
  value: fc.constantFrom(...ANYTHING),
});

/** A copy of a JSON value with one value in it replaced, or one member added. */
function applyChange(json: unknown, change: Change): unknown {
  if ("path" in change) return setMember(json, change.path.split("."), change.value);
  const { steps, name, value } = change;
  const [step = 0, ...others] = steps;
  const entries = typeof json === "object" && json !== null ? Object.entries(json) : [];
  if (entries.length === 0) return value;
  if (others.length === 0 && name !== undefined && !Array.isArray(json))
    return Object.fromEntries([...entries, [name, value]]);
  const [chosen, member] = entries[step % entries.length]!;
  const changed = others.length === 0 ? value : applyChange(member, { steps: others, name, value });
  if (Array.isArray(json)) return json.with(Number(chosen), changed);
  return Object.fromEntries(entries.map(([key, each]) => [key, key === chosen ? changed : each]));
}

function setMember(json: unknown, [name = "", ...inner]: readonly string[], value: unknown): unknown {
  const members: Record<string, unknown> =
    typeof json === "object" && json !== null && !Array.isArray(json) ? { ...json } : {};
  return { ...members, [name]: inner.length === 0 ? value : setMember(members[name], inner, value) };
}

/** Values at the bounds of a field, by its path. */
const BOUNDS: Readonly<Record<string, readonly unknown[]>> = {
  label: ["a".repeat(128), "a".repeat(129)],
  timeoutMs: [0, 1, 2 ** 53 - 1, 2 ** 53],
  method: ["Trace", "connect", "gEt"],
  allowQuery: [["a"], [""], [1], times(64, "a"), times(65, "a"), ["x".repeat(4_096)], ["x".repeat(4_097)]],
  allowHeaders: [["x-amz-target"], ["X_Api_Key"], ["content-length"], times(65, "accept"), ["x".repeat(257)]],
  allowPath: [true, false],
  encodedSlash: [true],
  emptySegments: [true],
  headers: [{ Host: "a" }, { "content-LENGTH": "1" }, { "a:": "b" }, { a: "\n" }, { a: "Ā" }],
  hmac: [
    {},
    { "aws4-hmac-sha256": { ...AWS4, service: "s3/" } },
    { "cap1-hmac-sha512": { key: "a", keyId: "1" } },
  ],
  tls: [{ cert: PEM }, { key: PEM }, { cert: PEM, key: PEM }, { ca: "" }],
  limits: [{}, { unknown: 1 }],
  "limits.expiresAt": ["2030-01-31T12:00:00Z", "2030-01-31T12:00:00+24:00", "2030-01-31"],
  "limits.ttlMs": [0, 1, 3_155_760_000_000, 3_155_760_000_001],
  "limits.maxUses": [0, 1, 2 ** 53],
  "limits.maxUsesEveryMs": [999, 1_000],
  "limits.methods": [["GET"], ["get"], ["TRACE"], [], times(64, "GET"), times(65, "GET")],
  "limits.paths": [["/*"], ["*"], [""], [`/${"a".repeat(4_095)}`], [`/${"a".repeat(4_096)}`], times(65, "/")],
  "limits.query": [
    {},
    { "": true },
    { a: false },
    { a: [] },
    { a: [{}] },
    { a: [{ startsWith: "" }] },
    names(64),
    names(65),
  ],
  "limits.headers": [
    {},
    { accept: [""] },
    { Host: true },
    { "X-Api_Key": true },
    { a: [{ startsWith: "a" }] },
    names(65),
  ],
  "limits.requests": [
    [{}],
    [{ methods: ["GET"] }],
    times(32, { paths: ["/"] }),
    times(33, { paths: ["/"] }),
    [{ maxUses: 1 }],
  ],
  "limits.maxBodyBytes": [-1, 0, 0.5],
  "limits.clientCidrs": [["::1"], ["10.0.0.0/"], ["a"], times(65, "::1")],
  "limits.delegable": [true, false],
};

function times<T>(count: number, entry: T): readonly T[] {
  return Array.from({ length: count }, () => entry);
}

function names(count: number): object {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`n${at}`, true]));
}

const bound: fc.Arbitrary<Change> = fc
  .constantFrom(...Object.entries(BOUNDS))
  .chain(([path, values]) => fc.constantFrom(...values).map((value) => ({ path, value })));

function parserAccepts(body: unknown): boolean {
  return parseExportRequest(body).ok;
}

test("the schema and the parser accept the same bodies, and refuse the same when a value in them is changed", () => {
  const verdicts = { accepted: 0, refused: 0 };
  const changed = fc
    .tuple(fc.oneof(target, reexport), fc.array(fc.oneof(anyChange, bound), { maxLength: 2 }))
    .map(([body, changes]) => changes.reduce<unknown>(applyChange, body))
    // A schema cannot compare two names.
    .filter((body) => !hasTwoSpellings(body));
  fc.assert(
    fc.property(changed, (body) => {
      const accepted = parserAccepts(body);
      verdicts[accepted ? "accepted" : "refused"] += 1;
      expect(accepts(body), JSON.stringify(accepts.errors)).toBe(accepted);
    }),
    { numRuns: 20_000 },
  );
  expect(verdicts.accepted).toBeGreaterThan(2_000);
  expect(verdicts.refused).toBeGreaterThan(2_000);
});

/** Whether an object somewhere in a JSON value has a name twice, in upper and in lower case. */
function hasTwoSpellings(json: unknown): boolean {
  if (typeof json !== "object" || json === null) return false;
  const names = Object.keys(json).map((name) => name.toLowerCase());
  return new Set(names).size < names.length || Object.values(json).some(hasTwoSpellings);
}

/** What only the parser refuses, since a schema cannot say it. */
const ONLY_THE_PARSER: readonly (readonly [what: string, body: object])[] = [
  ["a URI that a URL parser would change", { uri: "https://api.example/a/../b" }],
  ["a name of a host that is none", { uri: "https://a..b\u0000/" }],
  [
    "a URI that cap1-hmac-sha512 cannot sign",
    { uri: "https://a/%", hmac: { "cap1-hmac-sha512": { key: "aa", keyId: "1" } } },
  ],
  ["an authority that is none", { capability: CAPABILITY.replace("example.com:8443", "127.1") }],
  ["two spellings of a header", { uri: URI, headers: { a: "1", A: "2" } }],
  ["two spellings of a header in a limit", { uri: URI, limits: { headers: { accept: true, Accept: true } } }],
  ["a day that does not exist", { uri: URI, limits: { expiresAt: "2030-02-30T00:00:00Z" } }],
  ["a time before 1970", { uri: URI, limits: { expiresAt: "1969-01-01T00:00:00Z" } }],
  [
    "a beginning after the end",
    { uri: URI, limits: { notBefore: "2030-01-02T00:00:00Z", expiresAt: "2030-01-01T00:00:00Z" } },
  ],
  ["a path with a dot segment", { uri: URI, limits: { paths: ["/a/../b"] } }],
  ["a path that is encoded twice", { uri: URI, limits: { paths: ["/%252E"] } }],
  ["a path that is no UTF-8", { uri: URI, limits: { paths: ["/%FF"] } }],
  ["a block with bits after its prefix", { uri: URI, limits: { clientCidrs: ["10.0.0.1/8"] } }],
  [
    "limits that are too long together",
    {
      uri: URI,
      limits: { paths: Array.from({ length: 64 }, () => `/${"a".repeat(MAX_LIMITS_LENGTH / 64)}`) },
    },
  ],
];

test.each(ONLY_THE_PARSER)("only the parser refuses %s", (_, body) => {
  expect([accepts(body), parserAccepts(body)]).toEqual([true, false]);
});
