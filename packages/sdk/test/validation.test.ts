import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call, createMembrane } from "../../testkit/src/client.ts";
import { startTestService } from "../../testkit/src/service.ts";
import type { TestService } from "../../testkit/src/service.ts";
import CapabilitySDK from "../src/index.ts";
import type { Membrane } from "../src/index.ts";
import { startRawTlsServer } from "./support/tls-server.ts";
import type { TlsServer } from "./support/tls-server.ts";

let silent: TlsServer;
let service: TestService;
let exporting: string;
let membrane: Membrane;

beforeAll(async () => {
  silent = await startRawTlsServer("");
  service = await startTestService();
  exporting = (await createMembrane(service, service.tokens.create, "m")).export;
  membrane = new CapabilitySDK.Membrane({ tls: { trustedCA: { [silent.authority]: silent.ca } } });
});

afterAll(async () => {
  await service.close();
  await silent[Symbol.asyncDispose]();
});

/** Expects a refusal before anything is sent, with the message of the service's response to the same input. */
async function expectRefused(outcome: Promise<unknown>, field: string, message: string): Promise<void> {
  await expect(outcome).rejects.toMatchObject({
    name: "CapabilityError",
    statusCode: 400,
    error: "Bad Request",
    code: "invalid_field",
    message,
  });
  expect(message.startsWith(`${field}: expected `)).toBe(true);
  expect(silent.connections()).toBe(0);
}

const uri = "https://example.com/";
const aws4 = { awsAccessKeyId: "AKIA", region: "us-east-1", service: "lambda", secretAccessKey: "s" };
const withAws4 = (fields: object): object => ({ uri, hmac: { "aws4-hmac-sha256": { ...aws4, ...fields } } });
const withCap1 = (fields: object): object => ({
  uri,
  hmac: { "cap1-hmac-sha512": { key: "a2V5", keyId: "id", ...fields } },
});
const KEY_URI = `cpblty:a2V5:CPBLTY1-${"A".repeat(86)}`;

describe("create refuses, with the service's message,", () => {
  const long = "a".repeat(513);
  test.each([
    ["body", null],
    ["body", "text"],
    ["body", []],
    ["id", {}],
    ["id", { id: 7 }],
    ["id", { id: null }],
    ["id", { id: "" }],
    ["id", { id: long }],
    ["id", { id: "a\0b" }],
    ["id", { id: "\ud834" }],
    ["name", { id: "m", name: "n" }],
  ])("%s: %j", async (field, body) => {
    const response = await call(service, service.tokens.create, { body: JSON.stringify(body) });
    expect(response.status).toBe(400);
    await expectRefused(membrane.create(silent.capability, body as any), field, response.json.message);
  });
});

describe("export refuses, with the service's message,", () => {
  test.each([
    ["body", null],
    ["uri", {}],
    ["uri", { method: "GET" }],
    ["uri", { uri: 1 }],
    ["uri", { uri: "ftp://example.com/" }],
    ["uri", { uri: "https://u:p@example.com/" }],
    ["uri", { uri: "https://example.com/#f" }],
    ["uri", { uri: "https:\\\\example.com" }],
    ["uri", { uri: "https://exa mple.com/" }],
    ["uri", { uri: "https://example.com:0/" }],
    ["unknown", { uri, unknown: 1 }],
    ["method", { uri, method: "CONNECT" }],
    ["limits.paths[1]", { uri, limits: { paths: ["/", "/a*"] } }],
    ["label", { uri, label: "a\nb" }],
    ["allowHeaders[0]", { uri, allowHeaders: ["Authorization"] }],
    ["method", { uri, method: 1 }],
    ["headers", { uri, headers: "a: b" }],
    ["headers.a?b", { uri, headers: { "a b": "c" } }],
    ["headers.Host", { uri, headers: { Host: "h" } }],
    ["headers.a", { uri, headers: { A: "b", a: "c" } }],
    ["headers.a", { uri, headers: { a: "b\r\nc" } }],
    ["headers.a", { uri, headers: { a: 1 } }],
    ["headers.Authorization", { ...withAws4({}), headers: { Authorization: "x" } }],
    ["allowQuery", { uri, allowQuery: "true" }],
    ["timeoutMs", { uri, timeoutMs: 0 }],
    ["timeoutMs", { uri, timeoutMs: 1.5 }],
    ["hmac", { uri, hmac: {} }],
    ["hmac", { uri, hmac: { "aws4-hmac-sha256": aws4, "cap1-hmac-sha512": { key: "a", keyId: "b" } } }],
    ["hmac.other", { uri, hmac: { other: {} } }],
    ["hmac.aws4-hmac-sha256.awsAccessKeyId", withAws4({ awsAccessKeyId: "a b" })],
    ["hmac.aws4-hmac-sha256.region", withAws4({ region: "a/b" })],
    ["hmac.aws4-hmac-sha256.service", withAws4({ service: "" })],
    ["hmac.aws4-hmac-sha256.secretAccessKey", withAws4({ secretAccessKey: "s".repeat(257) })],
    ["hmac.aws4-hmac-sha256.sessionToken", withAws4({ sessionToken: "a b" })],
    ["hmac.aws4-hmac-sha256.more", withAws4({ more: 1 })],
    ["hmac.cap1-hmac-sha512.key", withCap1({ key: "not base64url" })],
    ["hmac.cap1-hmac-sha512.keyId", withCap1({ keyId: "a/b" })],
    ["uri", { ...withCap1({}), uri: "https://example.com/?a" }],
    ["tls", { uri, tls: [] }],
    ["tls.ca", { uri, tls: { ca: "no PEM" } }],
    ["tls.key", { uri, tls: { cert: "-----BEGIN CERTIFICATE-----" } }],
    ["tls.cert", { uri, tls: { key: "-----BEGIN PRIVATE KEY-----" } }],
    ["tls.rejectUnauthorized", { uri, tls: { rejectUnauthorized: 0 } }],
    ["tls.servername", { uri, tls: { servername: "evil" } }],
    ["capability", { capability: "no capability" }],
    ["capability", { capability: KEY_URI }],
    ["uri", { capability: `cpblty://membrane.test/#CPBLTY1-${"A".repeat(86)}`, uri }],
  ])("%s: %j", async (field, body) => {
    const response = await call(service, exporting, { body: JSON.stringify(body) });
    expect(response.status).toBe(400);
    await expectRefused(membrane.export(silent.capability, body as any), field, response.json.message);
  });
});

describe("query refuses, with the service's message,", () => {
  test.each([
    ["id", { id: "" }, "id="],
    ["id", { id: "a\0" }, "id=a%00"],
    ["lastId", { lastId: "a".repeat(513) }, `lastId=${"a".repeat(513)}`],
    ["limit", { limit: 0 }, "limit=0"],
    ["limit", { limit: -1 }, "limit=-1"],
    ["limit", { limit: 1.5 }, "limit=1.5"],
    ["limit", { limit: "many" }, "limit=many"],
  ])("%s: %j", async (field, query, search) => {
    const response = await call(service, service.tokens.query, { path: `/?${search}` });
    expect(response.status).toBe(400);
    await expectRefused(membrane.query(silent.capability, query as any), field, response.json.message);
  });

  test.each([
    ["after", { after: "a" }],
    ["body", "id=a"],
    ["limit", { limit: Number.NaN }],
    ["limit", { limit: 10n }],
  ])("and %s of a type that a query string cannot have: %o", async (field, query) => {
    const outcome = membrane.query(silent.capability, query as any);
    await expect(outcome).rejects.toMatchObject({ statusCode: 400, code: "invalid_field" });
    await expect(outcome).rejects.toThrow(`${field}: expected `);
    expect(silent.connections()).toBe(0);
  });
});

test.each([
  ["create", { id: 10n }],
  ["create", undefined],
  ["create", () => undefined],
  ["export", cyclic()],
])("%s refuses a value that is not a JSON object: %o", async (method, body) => {
  const outcome = membrane[method as "create"](silent.capability, body as any);
  await expect(outcome).rejects.toMatchObject({ message: "body: expected a JSON object" });
  expect(silent.connections()).toBe(0);
});

function cyclic(): object {
  const body: Record<string, unknown> = { uri };
  body["headers"] = body;
  return body;
}

const METHODS: readonly (readonly [string, (capability: any) => Promise<unknown>])[] = [
  ["create", (capability) => membrane.create(capability, { id: "m" })],
  ["export", (capability) => membrane.export(capability, { uri })],
  ["query", (capability) => membrane.query(capability)],
  ["revoke", (capability) => membrane.revoke(capability)],
  ["deleteSelf", (capability) => membrane.deleteSelf(capability)],
  ["requestReply", (capability) => CapabilitySDK.requestReply(capability)],
  ["fetch", (capability) => CapabilitySDK.fetch(capability)],
  ["request", async (capability) => CapabilitySDK.request(capability)],
];

describe.each(METHODS)("%s", (_name, use) => {
  test("refuses a text that is not a capability URI, and does not repeat it", async () => {
    const token = `CPBLTY1-${"A".repeat(86)}`;
    const authority = silent.authority;
    const wrong = [
      undefined,
      null,
      7,
      {},
      "",
      token,
      `https://${authority}/#${token}`,
      `cpblty://${authority}/`,
    ];
    for (const capability of [
      ...wrong,
      `cpblty://u@${authority}/#${token}`,
      `cpblty://${authority}/#${token}A`,
    ]) {
      const refused = await use(capability).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(CapabilitySDK.CapabilityError);
      expect(refused).toMatchObject({ statusCode: 400, code: "invalid_field" });
      expect((refused as Error).message).toMatch(/^capability: expected a capability URI/);
      expect((refused as Error).message).not.toContain("AAAA");
    }
    expect(silent.connections()).toBe(0);
  });

  test("refuses the second form of a capability URI because it has no resolver", async () => {
    const refused = await use(KEY_URI).catch((error: unknown) => error);
    expect(refused).toMatchObject({ statusCode: 400, code: "invalid_field" });
    expect((refused as Error).message).toContain("the form cpblty:key:token has no resolver here");
  });
});

test("a problem that only the service can find is its 400, with the same fields", async () => {
  const body =
    '{"statusCode": 400, "error": "Bad Request", "message": "tls.ca: expected PEM", "code": "invalid_field"}';
  await using silentServer = await startRawTlsServer(
    `HTTP/1.1 400 Bad Request\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  const client = new CapabilitySDK.Membrane({
    tls: { trustedCA: { [silentServer.authority]: silentServer.ca } },
  });
  const ca = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  await expect(client.export(silentServer.capability, { uri, tls: { ca } })).rejects.toMatchObject({
    ...JSON.parse(body),
  });
  expect(silentServer.connections()).toBe(1);
});
