import { formatToken } from "capability-protocol";
import { expect, test } from "vitest";
import { preparedTarget } from "../../../testkit/src/fixtures.ts";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";
import { CARRIERS } from "./carrier.ts";

const URI = "https://example.com/";
const AWS4 = { awsAccessKeyId: "A", region: "r", service: "s3", secretAccessKey: "s" };

function carriesCredential(body: object): boolean {
  return preparedTarget({ uri: URI, ...body }).carriesCredential;
}

test.each([
  ...CARRIERS,
  "Authorization",
  "Cookie",
  "apikey",
  "Ocp-Apim-Subscription-Key",
  "Private-Token",
  "Job-Token",
  "X-Auth-Token",
  "X-Access-Token",
  "X-Vault-Token",
])("a target with the header %s carries a credential", (name) => {
  expect(carriesCredential({ headers: { [name]: "a" } })).toBe(true);
  expect(carriesCredential({ headers: { [name.toUpperCase()]: "a" } })).toBe(true);
});

test.each(["key", "api_key", "apikey", "access_token", "token", "API%5FKEY"])(
  "a target with the query key %s carries a credential",
  (key) => {
    expect(carriesCredential({ uri: `${URI}?a=b&${key}=secret` })).toBe(true);
  },
);

test("a target with a signature or a client certificate carries a credential", async () => {
  expect(carriesCredential({ hmac: { "aws4-hmac-sha256": AWS4 } })).toBe(true);
  expect(carriesCredential({ hmac: { "cap1-hmac-sha512": { key: "abcd", keyId: "k" } } })).toBe(true);
  const { cert, key, ca } = await makeCertificate("a.example");
  expect(carriesCredential({ tls: { cert, key } })).toBe(true);
  expect(carriesCredential({ tls: { ca } })).toBe(false);
});

test("a capability of another authority carries a credential", () => {
  const token = formatToken(Buffer.alloc(64, 7));
  expect(preparedTarget({ capability: `cpblty://a.example/#${token}` }).carriesCredential).toBe(true);
});

test("a target without any of these carries none", () => {
  const headers = { Accept: "a", "Idempotency-Key": "a", "Sec-WebSocket-Key": "a", "X-Csrf-Token": "a" };
  expect(carriesCredential({ headers, allowQuery: true, allowPath: true })).toBe(false);
  expect(carriesCredential({ uri: `${URI}?a=key&monkey=b&page_token=c` })).toBe(false);
});
