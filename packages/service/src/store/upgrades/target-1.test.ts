import fc from "fast-check";
import { formatToken, parseExportRequest, readTargetUri } from "capability-protocol";
import { expect, test } from "vitest";
import { contentOf } from "../../domain/target.ts";
import { StoreCorruptError } from "../store.ts";
import { readTargetVersion1 } from "./target-1.ts";

const TOKEN = formatToken(Buffer.alloc(64, 7));
const URI = "https://example.com/a";
const PEM = "-----BEGIN CERTIFICATE-----\n";
const AWS4 = {
  awsAccessKeyId: "AKIDEXAMPLE",
  region: "us-east-1",
  service: "s3",
  secretAccessKey: "secret",
};

const read = (body: unknown) => readTargetVersion1(Buffer.from(JSON.stringify(body)));

test("a body of version 1 says what it said when it was exported", () => {
  const all = {
    uri: "HTTPS://Example.COM:443?q=%2e",
    method: "post",
    headers: { "X-Key": " a b\t", Connection: "x", "proxy-authorization": "y" },
    allowQuery: true,
    timeoutMs: 5,
    hmac: { "aws4-hmac-sha256": { ...AWS4, sessionToken: "t" } },
    tls: { ca: PEM, cert: PEM, key: PEM, rejectUnauthorized: false },
  };
  expect(read(all)).toEqual({
    kind: "configured",
    configuration: {
      uri: readTargetUri("https://example.com/?q=%2e"),
      method: "POST",
      headers: [["X-Key", "a b"]],
      allowQuery: true,
      timeoutMs: 5,
      hmac: { scheme: "aws4-hmac-sha256", ...AWS4, sessionToken: "t" },
      tls: { ca: PEM, cert: PEM, key: PEM, rejectUnauthorized: false },
    },
  });
  expect(read({ uri: URI, hmac: { "cap1-hmac-sha512": { key: "c2Vj", keyId: "1" } }, tls: {} })).toEqual({
    kind: "configured",
    configuration: {
      uri: readTargetUri(URI),
      headers: [],
      allowQuery: false,
      hmac: { scheme: "cap1-hmac-sha512", key: "c2Vj", keyId: "1" },
      tls: {},
    },
  });
  expect(read({ capability: `cpblty://Other.test:8443/#${TOKEN}` })).toMatchObject({
    kind: "federated",
    capability: { authority: "Other.test:8443", token: TOKEN },
  });
});

test.each<[string, object]>([
  ["a method", { method: "BREW" }],
  ["a header's name", { headers: { Expect: "100-continue" } }],
  ["a header's value", { headers: { "X-Key": "\u0001" } }],
  ["a time", { timeoutMs: 0.5 }],
  ["an access key", { hmac: { "aws4-hmac-sha256": { ...AWS4, awsAccessKeyId: "a-b" } } }],
  ["a region", { hmac: { "aws4-hmac-sha256": { ...AWS4, region: "" } } }],
  ["a key", { hmac: { "cap1-hmac-sha512": { key: "A", keyId: "1" } } }],
  ["a key's name", { hmac: { "cap1-hmac-sha512": { key: "c2Vj", keyId: "a,b" } } }],
  ["fields that go together", { tls: { cert: PEM } }],
  ["fields that exclude each other", { headers: { Authorization: "x" }, hmac: { "aws4-hmac-sha256": AWS4 } }],
  [
    "a path that a scheme cannot sign",
    { uri: `${URI}%`, hmac: { "cap1-hmac-sha512": { key: "c2Vj", keyId: "1" } } },
  ],
  ["PEM", { tls: { ca: "any" } }],
  ["a field", { comment: "mine" }],
])("a rule for exports that became stricter, on %s, leaves a body of version 1 as it is", (_rule, fields) => {
  const body = { uri: URI, ...fields };
  expect(parseExportRequest(body).ok).toBe(false);
  expect(read(body)).toMatchObject({ kind: "configured" });
});

test("a body that exports accept today is read as exports read it", () => {
  const name = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,9}$/);
  const value = fc.stringMatching(/^[\t -~\u0080-\u00ff]{0,9}$/);
  const uri = fc.oneof(
    fc.webUrl({ withQueryParameters: true }),
    fc.stringMatching(/^HTTPS?:\/\/[0-9a-zA-ZäßΩ.:[\]]{1,9}[/?]?[!-~ä]{0,9}$/),
  );
  const body = fc.record(
    {
      uri,
      method: fc.constantFrom("get", "M-Search", "DELETE"),
      headers: fc.dictionary(fc.oneof(name, fc.constantFrom("Connection", "TE", "toString")), value),
      allowQuery: fc.boolean(),
      timeoutMs: fc.nat(),
      hmac: fc.constantFrom(
        { "aws4-hmac-sha256": AWS4 },
        { "aws4-hmac-sha256": { ...AWS4, sessionToken: "t" } },
        { "cap1-hmac-sha512": { key: "c2Vj", keyId: "1" } },
      ),
      tls: fc.record({ ca: fc.constant(PEM), rejectUnauthorized: fc.boolean() }, { requiredKeys: [] }),
    },
    { requiredKeys: ["uri"] },
  );
  fc.assert(
    fc.property(body, (given) => {
      const today = parseExportRequest(given);
      if (today.ok) expect(read(given)).toEqual(contentOf(today.value));
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ["a dot segment", `${URI}/..`],
  ["an escaped dot segment", `${URI}/%2E%2e/b`],
  ["an empty query", `${URI}?`],
  ["a character that is encoded in a path", `${URI}"`],
  ["a character that is encoded in a query", `${URI}?'`],
  ["letters beyond ASCII", `${URI}/ä`],
  ["a fragment", `${URI}#a`],
  ["65,537 characters", `${URI}?${"a".repeat(65_536 - URI.length)}`],
  ["a long host", `https://${"a.".repeat(127)}test/`],
  ["a very long host", `https://${"%61".repeat(700)}/`],
])("a target with %s, which was exported before exports refused it, is not sent", (_what, uri) => {
  expect(read({ uri })).toBe(undefined);
});

test.each<[string, object]>([
  ["1,001 headers", { headers: Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [`x-${i}`, ""])) }],
  ["a long header name", { headers: { ["x".repeat(257)]: "" } }],
  ["a long header value", { headers: { x: "x".repeat(65_537) } }],
  ["long PEM", { tls: { ca: PEM.padEnd(65_537) } }],
  ["a long key", { hmac: { "cap1-hmac-sha512": { key: "A".repeat(1_026), keyId: "1" } } }],
])("nor is one with %s", (_what, fields) => {
  expect(read({ uri: URI, ...fields })).toBe(undefined);
});

test.each<[string, string]>([
  ["no JSON", "CPBLTY1-secret"],
  ["no object", "[]"],
  ["no URI", "{}"],
  ["another type", '{"uri":1}'],
  ["a capability of another form", `{"capability":"cpblty:aGk:${TOKEN}"}`],
  ["an unknown scheme", `{"uri":"${URI}","hmac":{"md5":{}}}`],
  ["credentials that lack one", `{"uri":"${URI}","hmac":{"cap1-hmac-sha512":{"key":"c2Vj"}}}`],
])("a payload with %s is corrupt, and the error repeats nothing of it", (_what, payload) => {
  expect(() => readTargetVersion1(Buffer.from(payload))).toThrow(StoreCorruptError);
  expect(() => readTargetVersion1(Buffer.from(payload))).not.toThrow(/secret/);
});
