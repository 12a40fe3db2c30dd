import fc from "fast-check";
import { formatToken } from "capability-protocol";
import { expect, test } from "vitest";
import { CREDENTIAL_HEADERS } from "../../../testkit/src/credential-headers.ts";
import {
  authorizedUri,
  headersOf,
  preparedTarget,
  requestHeadOf,
  shaped,
} from "../../../testkit/src/fixtures.ts";
import { shape } from "./shape.ts";

const URI = "https://example.com:8443/a%20b/c?d=e";
const URI_ITSELF = authorizedUri(preparedTarget({ uri: URI }), requestHeadOf());
const AWS4 = { awsAccessKeyId: "A", region: "r", service: "s3", secretAccessKey: "s" };
const TOKEN = formatToken(Buffer.alloc(64, 7));
const HOST = ["Host", "example.com:8443"];

test("the target's path and host are sent, whatever the client sends", () => {
  const head = requestHeadOf({ rawHeaders: ["Host", "membrane.test", "Accept", "*/*"] });
  expect(shaped(preparedTarget({ uri: URI }), head)).toEqual({
    method: "GET",
    path: "/a%20b/c",
    query: "d=e",
    targetHeaders: HOST,
    clientHeaders: ["Accept", "*/*"],
    hopHeaders: [],
    plan: { kind: "precomputed", value: "" },
  });
});

test("Host is without the default port", () => {
  const headers = headersOf(shaped(preparedTarget({ uri: "http://Example.com:80/" }), requestHeadOf()));
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
      expect(headersOf(shaped(target, requestHeadOf({ rawHeaders })))).toEqual([
        ...HOST,
        "x-API-key",
        "ours",
      ]);
    }),
  );
});

test("Connection removes the client's own headers and none of the target's", () => {
  const target = preparedTarget({ uri: URI, headers: { Authorization: "ours", Cookie: "ours" } });
  const configured = ["Authorization", "ours", "Cookie", "ours"];
  const rawHeaders = ["connection", "Authorization, HOST, cookie, x_mine", "X_Mine", "1", "X-Kept", "2"];
  expect(headersOf(shaped(target, requestHeadOf({ rawHeaders })))).toEqual([
    ...HOST,
    ...configured,
    "X-Kept",
    "2",
  ]);
});

test("a client's path is appended to the target's, and its query to the target's query", () => {
  const target = preparedTarget({ uri: "https://example.com/v1/?d=e", allowPath: true, allowQuery: true });
  const head = requestHeadOf({ path: "/%78/y", query: "z" });
  expect(shaped(target, head)).toMatchObject({ path: "/v1/x/y", query: "d=e&z" });
});

test("allowHeaders opens what does not pass by default, and nothing else", () => {
  const names = ["X-Amz-Target", "x-amz-copy-source", "Private-Token", "Destination", "X-Forwarded-For"];
  const target = preparedTarget({
    uri: URI,
    allowHeaders: names,
    headers: { Authorization: "ours" },
  });
  const lines = names.flatMap((name) => [name, "theirs"]);
  const sent = [...HOST, "Authorization", "ours"];
  expect(headersOf(shaped(target, requestHeadOf({ rawHeaders: lines })))).toEqual([...sent, ...lines]);
  const others = [
    "X_Forwarded_For",
    "theirs",
    "X-Vault-Token",
    "theirs",
    "Authorization",
    "theirs",
    "Cookie",
    "a",
  ];
  expect(headersOf(shaped(target, requestHeadOf({ rawHeaders: others })))).toEqual(sent);
  const hopByHop = requestHeadOf({ rawHeaders: ["Connection", "private-token", "Private-Token", "theirs"] });
  expect(headersOf(shaped(target, hopByHop))).toEqual(sent);
});

test("allowHeaders opens a header that steers a signed request in its exact spelling", () => {
  const hmac = { "aws4-hmac-sha256": AWS4 };
  const target = preparedTarget({ uri: URI, allowHeaders: ["X-Amz-Target"], hmac });
  const plan = { kind: "precomputed", value: "" } as const;
  const shapeWith = (name: string) =>
    shape(target, requestHeadOf({ rawHeaders: [name, "a"] }), URI_ITSELF, plan, []);
  expect(shapeWith("x-amz-target")).toMatchObject({
    ok: true,
    value: { targetHeaders: HOST, clientHeaders: ["x-amz-target", "a"] },
  });
  for (const name of ["x_amz_target", "x-amz-copy-source"])
    expect(shapeWith(name)).toEqual({ ok: false, error: { reason: "header_not_allowed", name } });
});

test("a header that the target sets stays the target's, also if allowHeaders names it", () => {
  const target = preparedTarget({
    uri: URI,
    allowHeaders: ["x-a", "sudo"],
    headers: { "X-A": "ours", Sudo: "ours" },
  });
  const plan = { kind: "precomputed", value: "" } as const;
  const shapeWith = (...rawHeaders: string[]) =>
    shape(target, requestHeadOf({ rawHeaders }), URI_ITSELF, plan, []);
  expect(shapeWith("x-a", "theirs")).toMatchObject({
    ok: true,
    value: { targetHeaders: target.headers, clientHeaders: [] },
  });
  expect(shapeWith("sudo", "theirs")).toMatchObject({ ok: false });
});

test("a capability token passes in no header, also if allowHeaders names it", () => {
  const target = preparedTarget({ uri: URI, allowHeaders: ["Private-Token"] });
  expect(headersOf(shaped(target, requestHeadOf({ rawHeaders: ["Private-Token", TOKEN] })))).toEqual(HOST);
});

test("another authority gets the client's credentials, which it checks itself, but no header that carries tokens", () => {
  const target = preparedTarget({ capability: `cpblty://a.example/#${TOKEN}` });
  const passes = ["Private-Token", "X-Vault-Token", "ocp-apim-subscription-key", "X-Amz-Copy-Source"];
  const never = ["X-Api-Key", "api_key", "x-goog-api-key", "X-Amz-Security-Token", "Authorization", "Cookie"];
  const rawHeaders = [...passes, ...never].flatMap((name) => [name, "theirs"]);
  const headers = headersOf(shaped(target, requestHeadOf({ rawHeaders })));
  expect(headers).toEqual([...target.headers, ...passes.flatMap((name) => [name, "theirs"])]);
  expect(headersOf(shaped(target, requestHeadOf({ rawHeaders: ["Private-Token", TOKEN] })))).toEqual(
    target.headers,
  );
});

test("X-Payload-Sha256 is forwarded to another authority only, and the client's token is never forwarded", () => {
  const token = `CPBLTY1-${"A".repeat(86)}`;
  const foreign = preparedTarget({ capability: `cpblty://a.example/#${token}` });
  expect(foreign.headers).toEqual(["Host", "a.example", "Authorization", `Bearer ${token}`]);
  const rawHeaders = ["X-Payload-Sha256", "abc", "Authorization", "Bearer mine", "Cookie", "a"];
  expect(headersOf(shaped(foreign, requestHeadOf({ rawHeaders })))).toEqual([
    ...foreign.headers,
    "X-Payload-Sha256",
    "abc",
  ]);
  expect(headersOf(shaped(preparedTarget({ uri: URI }), requestHeadOf({ rawHeaders })))).toEqual(HOST);
});

/** What is left of a header of the client, towards this target. */
function passing(body: object, name: string, value = "theirs"): boolean {
  return headersOf(shaped(preparedTarget(body), requestHeadOf({ rawHeaders: [name, value] }))).includes(
    value,
  );
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

const CONFIGURED = WITH_CREDENTIAL.filter(([, body]) => "uri" in body);

test.each(CONFIGURED)("with %s no other credential of the client goes along", (_name, body) => {
  const target = preparedTarget(body);
  expect(target.carriesCredential).toBe(true);
  const rawHeaders = CREDENTIAL_HEADERS.flatMap((name) => [name, "theirs"]);
  const headers = headersOf(shaped(target, requestHeadOf({ rawHeaders: [...rawHeaders, "X-Kept", "kept"] })));
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
    const outcome = shape(target, head(name, own), URI_ITSELF, plan, []);
    expect(outcome.ok && headersOf(outcome.value)).toEqual(target.headers);
    expect(shape(target, head(name, own, name, "theirs"), URI_ITSELF, plan, [])).toEqual({
      ok: false,
      error: { reason: "header_not_allowed", name },
    });
  }
  expect(shape(target, head("x-amz-date", "theirs"), URI_ITSELF, plan, [])).toMatchObject({ ok: true });
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
    expect(shape(preparedTarget(body), head, URI_ITSELF, plan, []).ok, each).toBe(isForeign);
  }
  expect(passing({ uri: URI }, name)).toBe(true);
});

test("headers that describe chunks within a body pass only if the body is sent in them", () => {
  const target = preparedTarget({ uri: URI, hmac: { "aws4-hmac-sha256": AWS4 } });
  const rawHeaders = ["X-Amz-Trailer", "x-amz-checksum-crc32", "x-amz-decoded-content-length", "4"];
  const head = requestHeadOf({ rawHeaders });
  const framed = shape(
    target,
    head,
    URI_ITSELF,
    {
      kind: "precomputed",
      value: "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    },
    [],
  );
  expect(framed.ok && framed.value.clientHeaders).toEqual(rawHeaders);
  for (const plan of [{ kind: "buffer" }, { kind: "precomputed", value: "UNSIGNED-PAYLOAD" }] as const) {
    const outcome = shape(target, head, URI_ITSELF, plan, []);
    expect(outcome.ok && headersOf(outcome.value)).toEqual(target.headers);
  }
});

test("what no target gets is dropped, but refused where the service behind a signature would act on it", () => {
  const plan = { kind: "precomputed", value: "" } as const;
  const aws4 = preparedTarget({ uri: URI, hmac: { "aws4-hmac-sha256": AWS4 } });
  for (const name of ["X-Amzn-Oidc-Data", "x-goog-authenticated-user-email"]) {
    const head = requestHeadOf({ rawHeaders: [name, "theirs"] });
    expect(shape(aws4, head, URI_ITSELF, plan, []).ok, name).toBe(false);
    expect(headersOf(shaped(preparedTarget({ uri: URI }), head))).toEqual(HOST);
  }
  const rawHeaders = ["Cookie", "theirs", "X-Forwarded-For", "theirs", "Authorization", "theirs"];
  expect(headersOf(shaped(aws4, requestHeadOf({ rawHeaders })))).toEqual(HOST);
});
