import fc from "fast-check";
import { expect, test } from "vitest";

import { describeProblem } from "../result.ts";
import { formatToken } from "../token.ts";
import { parseExportRequest } from "./export.ts";

const URI = "https://example.com/";
const TOKEN = formatToken(new Uint8Array(64).fill(7));
const AWS4 = {
  awsAccessKeyId: "AKIDEXAMPLE",
  region: "us-east-1",
  service: "lambda",
  secretAccessKey: "secret/+=",
};
const CAP1 = { key: "mySecret", keyId: "someId" };

function expectRefused(parsed: unknown, field: string): void {
  expect(parsed).toMatchObject({ ok: false, error: { field } });
}

test("a re-export carries the parsed capability URI", () => {
  expect(parseExportRequest({ capability: `cpblty://example.com/#${TOKEN}` })).toEqual({
    ok: true,
    value: {
      kind: "reexport",
      capability: { kind: "authority", authority: "example.com", token: TOKEN },
    },
  });
});

test("limits and a label go with a target and with a re-export", () => {
  const asked = { limits: { ttlMs: 1_000 }, label: "for Kim" };
  const capability = `cpblty://example.com/#${TOKEN}`;
  expect(parseExportRequest({ uri: URI, ...asked })).toMatchObject({ value: { kind: "target", ...asked } });
  expect(parseExportRequest({ capability, ...asked })).toMatchObject({
    value: { kind: "reexport", ...asked },
  });
});

test("an export without limits has none, whether it says so or not", () => {
  for (const limits of [undefined, {}]) {
    const parsed = parseExportRequest({ uri: URI, limits });
    expect(parsed.ok && "limits" in parsed.value).toBe(false);
  }
});

test.each([
  ["limits", []],
  ["limits.ttlMs", { ttlMs: 0 }],
  ["limits.unknown", { unknown: 1 }],
])("wrong limits are refused at %s", (field, limits) => {
  expectRefused(parseExportRequest({ uri: URI, limits }), field);
  expectRefused(parseExportRequest({ capability: `cpblty://example.com/#${TOKEN}`, limits }), field);
});

test("a wrong label is refused", () => {
  expectRefused(parseExportRequest({ uri: URI, label: "a\nb" }), "label");
});

test.each([
  null,
  1,
  [],
  {},
  "",
  "https://example.com/",
  `cpblty:QQ:${TOKEN}`,
  `cpblty://example.com/#${TOKEN}x`,
])("the capability %j is refused, and the refusal does not repeat it", (capability) => {
  const parsed = parseExportRequest({ capability });
  expectRefused(parsed, "capability");
  expect(JSON.stringify(parsed)).not.toContain(TOKEN);
});

test.each([
  ["uri", URI],
  ["method", "GET"],
  ["headers", {}],
  ["allowQuery", true],
  ["timeoutMs", 1],
  ["hmac", { "cap1-hmac-sha512": CAP1 }],
  ["tls", {}],
])("a re-export together with %s is refused", (field, value) => {
  const capability = `cpblty://example.com/#${TOKEN}`;
  expectRefused(parseExportRequest({ capability, [field]: value }), field);
});

test.each([
  [null, "body"],
  [undefined, "body"],
  [1, "body"],
  ["uri", "body"],
  [[], "body"],
  [[{ uri: URI }], "body"],
  [{}, "uri"],
  [{ method: "GET" }, "uri"],
])("the body %j is refused at %s", (body, field) => {
  expectRefused(parseExportRequest(body), field);
});

const PATHS =
  "uri capability method headers allowQuery timeoutMs hmac tls tls.ca tls.cert tls.key headers.X-Foo hmac.hmac-md5".split(
    " ",
  );

test("a refusal never contains the offending value", () => {
  const canary = "canary-7f3a";
  const body = fc.constantFrom(...PATHS).chain((path) =>
    fc.oneof(fc.constant(`${canary}\0`), fc.constant([canary]), fc.constant({ x: canary })).map((value) => {
      const [outer = "", inner] = path.split(".");
      return { uri: URI, [outer]: inner === undefined ? value : { [inner]: value } };
    }),
  );
  fc.assert(
    fc.property(body, (input) => {
      const parsed = parseExportRequest(input);
      if (!parsed.ok) expect(describeProblem(parsed.error)).not.toContain(canary);
    }),
  );
  for (const name of Object.keys(AWS4)) {
    const hmac = { "aws4-hmac-sha256": { ...AWS4, [name]: `${canary}\0` } };
    const parsed = parseExportRequest({ uri: URI, hmac });
    expect(JSON.stringify(parsed)).not.toContain(canary);
  }
});

test("the parser returns a value for any JSON, similar to a valid request or not, and never throws", () => {
  const anything = fc.jsonValue({ stringUnit: "binary", maxDepth: 3 });
  const near = fc.record(
    {
      uri: fc.oneof(fc.webUrl({ withQueryParameters: true }), anything),
      capability: anything,
      method: anything,
      headers: fc.oneof(fc.dictionary(fc.string(), anything), anything),
      allowQuery: anything,
      timeoutMs: anything,
      hmac: fc.oneof(
        fc.record({ "aws4-hmac-sha256": fc.oneof(fc.constant(AWS4), anything) }),
        fc.record({ "cap1-hmac-sha512": fc.oneof(fc.constant(CAP1), anything) }),
        anything,
      ),
      tls: fc.oneof(fc.record({ ca: anything, cert: anything }, { requiredKeys: [] }), anything),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(near, anything), (body) => {
      expect(parseExportRequest(body).ok).toBeTypeOf("boolean");
    }),
    { numRuns: 1000 },
  );
});
