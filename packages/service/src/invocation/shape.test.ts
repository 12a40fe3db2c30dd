import fc from "fast-check";
import { formatToken } from "capability-protocol";
import { expect, test } from "vitest";
import { CREDENTIAL_HEADERS } from "../../../testkit/src/credential-headers.ts";
import { preparedTarget, requestHeadOf, shaped } from "../../../testkit/src/fixtures.ts";
import { shape } from "./shape.ts";

const URI = "https://example.com:8443/a%20b/c?d=e";
const HOST = ["Host", "example.com:8443"];

test("the target's path and host are sent, whatever the client sends", () => {
  const head = requestHeadOf({ rawHeaders: ["Host", "membrane.test", "Accept", "*/*"] });
  expect(shaped(preparedTarget({ uri: URI }), head)).toEqual({
    method: "GET",
    path: "/a%20b/c",
    query: "d=e",
    headers: [...HOST, "Accept", "*/*"],
  });
});

test("Host is without the default port", () => {
  const { headers } = shaped(preparedTarget({ uri: "http://Example.com:80/" }), requestHeadOf());
  expect(headers).toEqual(["Host", "example.com"]);
});

test("the target's method wins over the client's", () => {
  const head = requestHeadOf({ method: "DELETE" });
  expect(shaped(preparedTarget({ uri: URI, method: "put" }), head).method).toBe("PUT");
  expect(shaped(preparedTarget({ uri: URI }), head).method).toBe("DELETE");
});

test.each([
  [URI, false, "x=y", "d=e"],
  [URI, true, "", "d=e"],
  [URI, true, "x=%2f&&", "d=e&x=%2f&&"],
  ["https://example.com/", true, "x", "x"],
  ["https://example.com/", false, "x", ""],
])("%s with allowQuery %s and the query %j asks for %j", (uri, allowQuery, query, sent) => {
  expect(shaped(preparedTarget({ uri, allowQuery }), requestHeadOf({ query })).query).toBe(sent);
});

test("of a name that the target configures no line of the client is left, in whatever spelling", () => {
  const name = "X-Api-Key";
  const spelling = fc
    .array(fc.boolean(), { minLength: name.length, maxLength: name.length })
    .chain((upper) => fc.boolean().map((low) => ({ upper, separator: low ? "_" : "-" })))
    .map(({ upper, separator }) =>
      Array.from(name, (letter, index) => (upper[index] ? letter.toUpperCase() : letter.toLowerCase()))
        .join("")
        .replaceAll("-", separator),
    );
  const target = preparedTarget({ uri: URI, headers: { "x-API-key": "ours" } });
  fc.assert(
    fc.property(fc.array(spelling), (names) => {
      const rawHeaders = names.flatMap((each) => [each, "theirs"]);
      expect(shaped(target, requestHeadOf({ rawHeaders })).headers).toEqual([...HOST, "x-API-key", "ours"]);
    }),
  );
});

test("Connection removes the client's own headers and none of the target's", () => {
  const target = preparedTarget({ uri: URI, headers: { Authorization: "ours", Cookie: "ours" } });
  const configured = ["Authorization", "ours", "Cookie", "ours"];
  const rawHeaders = ["connection", "Authorization, HOST, cookie, x_mine", "X_Mine", "1", "X-Kept", "2"];
  expect(shaped(target, requestHeadOf({ rawHeaders })).headers).toEqual([
    ...HOST,
    ...configured,
    "X-Kept",
    "2",
  ]);
});

test("X-Payload-Sha256 is forwarded to another authority only, and the client's token is never forwarded", () => {
  const token = `CPBLTY1-${"A".repeat(86)}`;
  const foreign = preparedTarget({ capability: `cpblty://a.example/#${token}` });
  expect(foreign.headers).toEqual(["Host", "a.example", "Authorization", `Bearer ${token}`]);
  const rawHeaders = ["X-Payload-Sha256", "abc", "Authorization", "Bearer mine", "Cookie", "a"];
  expect(shaped(foreign, requestHeadOf({ rawHeaders })).headers).toEqual([
    ...foreign.headers,
    "X-Payload-Sha256",
    "abc",
  ]);
  expect(shaped(preparedTarget({ uri: URI }), requestHeadOf({ rawHeaders })).headers).toEqual(HOST);
});

const AWS4 = { awsAccessKeyId: "A", region: "r", service: "s3", secretAccessKey: "s" };
const TOKEN = formatToken(Buffer.alloc(64, 7));

/** What is left of a header of the client, towards this target. */
function passing(body: object, name: string, value = "theirs"): boolean {
  return shaped(preparedTarget(body), requestHeadOf({ rawHeaders: [name, value] })).headers.includes(value);
}

const WITH_CREDENTIAL: readonly (readonly [string, object])[] = [
  ["an aws4 signature", { uri: URI, hmac: { "aws4-hmac-sha256": { ...AWS4, service: "lambda" } } }],
  ["a cap1 signature", { uri: URI, hmac: { "cap1-hmac-sha512": { key: "abcd", keyId: "k" } } }],
  ["Authorization", { uri: URI, headers: { Authorization: "Bearer a" } }],
  ["Cookie", { uri: URI, headers: { cookie: "a=b" } }],
  ["X-Api-Key", { uri: URI, headers: { "x-api-KEY": "a" } }],
  ["Private-Token", { uri: URI, headers: { "Private-Token": "a" } }],
  ["a key in its query", { uri: "https://example.com/?a=b&%61ccess_token=secret" }],
  ["a capability of another authority", { capability: `cpblty://a.example/#${TOKEN}` }],
];

test.each(WITH_CREDENTIAL)("with %s no other credential of the client goes along", (_name, body) => {
  const target = preparedTarget(body);
  expect(target.carriesCredential).toBe(true);
  const rawHeaders = CREDENTIAL_HEADERS.flatMap((name) => [name, "theirs"]);
  const { headers } = shaped(target, requestHeadOf({ rawHeaders: [...rawHeaders, "X-Kept", "kept"] }));
  expect(headers).not.toContain("theirs");
  expect(headers).toContain("kept");
});

test.each(CREDENTIAL_HEADERS)("to a target without a credential %s is the client's to send", (name) => {
  expect(preparedTarget({ uri: URI, headers: { "Idempotency-Key": "a" } }).carriesCredential).toBe(false);
  expect(passing({ uri: URI }, name)).toBe(true);
});

test.each(CREDENTIAL_HEADERS)("a capability token in %s reaches no target", (name) => {
  for (const value of [TOKEN, `Bearer ${TOKEN}`, `cpblty://a.example/#${TOKEN}`])
    expect(passing({ uri: URI }, name, value)).toBe(false);
});

test.each(["Idempotency-Key", "X-CSRF-Token", "X-Continuation-Token", "Surrogate-Key", "X-Keyed", "Tokens"])(
  "%s is no credential",
  (name) => {
    for (const [, body] of WITH_CREDENTIAL) expect(passing(body, name)).toBe(true);
  },
);

test("a header that steers, and that the target sets, is the target's own or refused", () => {
  const headers = {
    "x-amz-acl": "private",
    "X-Amz-Meta-A": "ours",
    Destination: "/ours",
    "X-Amz-Date": "ours",
  };
  const target = preparedTarget({ uri: URI, headers, hmac: { "aws4-hmac-sha256": AWS4 } });
  const head = (...rawHeaders: string[]): ReturnType<typeof requestHeadOf> => requestHeadOf({ rawHeaders });
  const plan = { kind: "precomputed", value: "" } as const;
  for (const [name, own] of [
    ["X-Amz-Acl", "private"],
    ["x_amz_acl", "private"],
    ["x-amz-meta-A", "ours"],
    ["destination", "/ours"],
  ] as const) {
    const outcome = shape(target, head(name, own), plan);
    expect(outcome.ok && outcome.value.headers).toEqual(target.headers);
    expect(shape(target, head(name, own, name, "theirs"), plan)).toEqual({
      ok: false,
      error: { reason: "header_not_allowed", name },
    });
  }
  expect(shape(target, head("x-amz-date", "theirs"), plan)).toMatchObject({ ok: true });
});

const STEERING = [
  "Destination",
  "X-Copy-From",
  "x-ms-copy-source",
  "Impersonate-User",
  "impersonate_extra_a",
  "Sudo",
];

test.each(STEERING)("%s is refused if the target carries a credential, and only then", (name) => {
  const head = requestHeadOf({ rawHeaders: ["Connection", name, name, "theirs"] });
  const plan = { kind: "precomputed", value: "" } as const;
  for (const [each, body] of WITH_CREDENTIAL) {
    const isForeign = each.includes("authority");
    expect(shape(preparedTarget(body), head, plan).ok, each).toBe(isForeign);
  }
  expect(passing({ uri: URI }, name)).toBe(true);
});

test("headers that describe chunks within a body pass only if the body is sent in them", () => {
  const target = preparedTarget({ uri: URI, hmac: { "aws4-hmac-sha256": AWS4 } });
  const rawHeaders = ["X-Amz-Trailer", "x-amz-checksum-crc32", "x-amz-decoded-content-length", "4"];
  const head = requestHeadOf({ rawHeaders });
  const framed = shape(target, head, { kind: "precomputed", value: "STREAMING-UNSIGNED-PAYLOAD-TRAILER" });
  expect(framed.ok && framed.value.headers.slice(-4)).toEqual(rawHeaders);
  for (const plan of [{ kind: "buffer" }, { kind: "precomputed", value: "UNSIGNED-PAYLOAD" }] as const) {
    const outcome = shape(target, head, plan);
    expect(outcome.ok && outcome.value.headers).toEqual(target.headers);
  }
});

test("what no target gets is dropped, but refused where the service behind a signature would act on it", () => {
  const plan = { kind: "precomputed", value: "" } as const;
  const aws4 = preparedTarget({ uri: URI, hmac: { "aws4-hmac-sha256": AWS4 } });
  for (const name of ["X-Amzn-Oidc-Data", "x-goog-authenticated-user-email"]) {
    const head = requestHeadOf({ rawHeaders: [name, "theirs"] });
    expect(shape(aws4, head, plan).ok, name).toBe(false);
    expect(shaped(preparedTarget({ uri: URI }), head).headers).toEqual(HOST);
  }
  const rawHeaders = ["Cookie", "theirs", "X-Forwarded-For", "theirs", "Authorization", "theirs"];
  expect(shaped(aws4, requestHeadOf({ rawHeaders })).headers).toEqual(HOST);
});
