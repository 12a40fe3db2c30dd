import { generateKeyPairSync } from "node:crypto";
import { formatToken } from "capability-protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { storeTargetOfVersion1 } from "../../../testkit/src/changed-records.ts";
import { call, createMembrane, expectStatus, exportThrough } from "../../../testkit/src/client.ts";
import type { InvalidInputFixture } from "../../../testkit/src/invalid-input.ts";
import { CANARY, startInvalidInputFixture } from "../../../testkit/src/invalid-input.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import {
  issueServerCertificate,
  issueAuthorityCertificate,
  generateAuthorityKey,
} from "../../src/tls/x509.ts";

const URI = "https://example.com/";
const AWS4 = { awsAccessKeyId: "AKID", region: "r", service: "s", secretAccessKey: "secret" };

let refusing: InvalidInputFixture;
beforeAll(async () => {
  refusing = await startInvalidInputFixture();
});
afterAll(() => refusing[Symbol.asyncDispose]());

function long(length: number): string {
  return CANARY.padEnd(length, "a");
}

test("every field of a target has a maximum length, and the error for a longer one names the field", async () => {
  // The message is checked too, since a field that is too long may also make the whole head too long.
  const refuse = (field: string, expected: string, body: object) =>
    refusing.expectRefused(refusing.exportToken, field, [body], expected);
  const uri = "an absolute http or https URI";
  await refuse("uri", `${uri} of at most 65536 characters`, { uri: URI + long(65_536) });
  const host = `${uri} with a host of at most 253 characters`;
  await refuse("uri", host, { uri: `https://${`${CANARY}.`.repeat(30)}` });
  await refuse("uri", host, { uri: `https://${".".repeat(40_000)}${CANARY}/` });
  // Soft hyphens are removed from a name, so this one is short once it is parsed.
  await refuse("uri", host, { uri: `https://${"\u00ad".repeat(2_048)}${CANARY}/` });
  await refuse("method", "an HTTP method", { uri: URI, method: long(40) });
  await refuse("headers", "at most 1000 headers", {
    uri: URI,
    headers: Object.fromEntries(Array.from({ length: 1_001 }, (_, at) => [`${CANARY}-${at}`, ""])),
  });
  await refuse(`headers.${"n".repeat(64)}...`, "a header name of at most 256 characters", {
    uri: URI,
    headers: { ["n".repeat(257)]: CANARY },
  });
  const value = "a string of at most 65536 characters";
  await refuse("headers.x-a", value, { uri: URI, headers: { "x-a": long(65_537) } });
  await refuse("headers.x-a", "", { uri: URI, headers: { "x-a": `a${" ".repeat(40_000)}${CANARY}` } });
  const refuseHmac = (scheme: string, field: string, expected: string, credentials: object) =>
    refuse(`hmac.${scheme}.${field}`, expected, { uri: URI, hmac: { [scheme]: credentials } });
  const cap1 = { key: "abcd", keyId: "k" };
  const key = "base64url without padding, at most 1024 characters";
  await refuseHmac("cap1-hmac-sha512", "key", key, { ...cap1, key: long(1_026) });
  await refuseHmac("cap1-hmac-sha512", "keyId", "a string of 1 to 256 ", { ...cap1, keyId: long(257) });
  for (const [field, most] of Object.entries({
    awsAccessKeyId: 128,
    region: 128,
    service: 128,
    secretAccessKey: 256,
    sessionToken: 8_192,
  })) {
    const credentials = { ...AWS4, [field]: long(most + 1) };
    const expected = field === "secretAccessKey" ? "a well-formed string" : "a string";
    await refuseHmac("aws4-hmac-sha256", field, `${expected} of 1 to ${most} `, credentials);
  }
  const padded = `-----BEGIN CERTIFICATE-----\n${long(65_536)}\n-----END CERTIFICATE-----\n`;
  for (const name of ["ca", "cert", "key"])
    await refuse(`tls.${name}`, "PEM of at most 65536 characters", { uri: URI, tls: { [name]: padded } });
  await refuse("capability", "", { capability: `cpblty://${long(100_000)}/#` });
  const token = formatToken(Buffer.alloc(64, 0x44));
  for (const name of [`${"a.".repeat(127)}a`, `${"a.".repeat(2_000)}a`])
    await refuse("capability", "", { capability: `cpblty://${name}/#${token}` });
});

test("a target whose request, with its signature, would exceed --header-bytes is refused, and the first field that does not fit is named", async () => {
  const refuse = (field: string, body: object) => refusing.expectRefused(refusing.exportToken, field, [body]);
  await refuse("uri", { uri: `${URI}?${long(16_000)}` });
  await refuse("uri", { uri: URI + long(16_000) });
  await refuse("headers.x-b", {
    uri: URI,
    headers: { "x-a": "a".repeat(8_000), "x-b": long(8_000), "x-c": "c" },
  });
  await refuse("hmac", {
    uri: URI,
    headers: { "x-a": "a".repeat(8_000) },
    hmac: { "aws4-hmac-sha256": { ...AWS4, sessionToken: long(8_000) } },
  });
  const body = { uri: URI, headers: { "x-a": "a".repeat(15_000) } };
  expectStatus(await call(refusing.service, refusing.exportToken, { body }), 201);
});

test("white space around the fields of an export is not stored", async () => {
  const before = (await refusing.contents()).join("").length;
  const padded = `{"uri": ${" ".repeat(500_000)}"${URI}"}`;
  expectStatus(await call(refusing.service, refusing.exportToken, { body: padded }), 201);
  expect((await refusing.contents()).join("").length - before).toBeLessThan(20_000);
});

test("the errors for a body with a byte order mark and for one with too many members say so", async () => {
  const texts = [
    [
      `\ufeff{"uri":"${URI}"}`,
      "body: expected JSON in UTF-8 without a byte order mark (U+FEFF) at its beginning",
    ],
    [`[${"0,".repeat(100_000)}0]`, "body: expected at most 4096 commas between members and elements"],
  ] as const;
  for (const [body, message] of texts) {
    const response = await call(refusing.service, refusing.exportToken, { body });
    expectStatus(response, 400);
    expect(response.json).toMatchObject({ code: "invalid_field", message });
  }
});

test("a client certificate with a key that is slow to sign with is refused", async () => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 4_104 });
  const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const cert = await anyCertificate(new Date());
  const response = await call(refusing.service, refusing.exportToken, {
    body: { uri: URI, tls: { cert, key } },
  });
  expectStatus(response, 400);
  expect(response.json.message).toBe("tls.key: expected a key of at most 4096 bits, or of an elliptic curve");
});

async function anyCertificate(now: Date): Promise<string> {
  const key = await generateAuthorityKey();
  const ca = await issueAuthorityCertificate(key, now);
  const names = [{ type: "dns", value: "client.test" }] as const;
  return (await issueServerCertificate({ cert: ca, key }, names, now)).cert;
}

test("an invocation whose head, with the target's headers, would be over --header-bytes is a 431, and nothing is sent", async () => {
  await using target = await startTarget();
  await using service = await startTestService({ limits: { headerBytes: 8_192 } });
  const membrane = await createMembrane(service, service.tokens.create, "m");
  const token = await exportThrough(service, membrane.export, {
    uri: `${target.url}/`,
    allowQuery: true,
    headers: { "x-ours": "a".repeat(4_000) },
  });
  expectStatus(await call(service, token, { headers: { "x-theirs": "a".repeat(2_000) } }), 200);
  const seen = target.requests.length;
  const responses = [
    await call(service, token, { headers: { "x-theirs": "a".repeat(4_000) } }),
    await call(service, token, { path: `/?${"a".repeat(4_000)}` }),
  ];
  for (const response of responses) {
    expectStatus(response, 431);
    expect(response.json).toMatchObject({ code: "headers_too_large" });
  }
  expect(target.requests.length).toBe(seen);
});

test("a target that an older version stored and that today's rules refuse is a 502 that says so", async () => {
  const { service, exportToken } = refusing;
  for (const uri of [`${URI}bucket/a/..`, `${URI}?${"a".repeat(100_000)}`]) {
    const token = await storeTargetOfVersion1(service, exportToken, { uri });
    for (const _ of ["read from the store", "known"]) {
      const response = await call(service, token, {});
      expectStatus(response, 502);
      expect(response.json).toMatchObject({ code: "target_outdated" });
      expect(response.headers["proxy-status"]).toBe("membrane; error=http_request_denied");
    }
  }
});
