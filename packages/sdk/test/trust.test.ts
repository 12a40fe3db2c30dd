import { afterAll, beforeAll, expect, test } from "vitest";
import { makeCertificate } from "../../testkit/src/tls-target.ts";
import CapabilitySDK from "../src/index.ts";
import type { Membrane } from "../src/index.ts";
import { runScript } from "./support/run-script.ts";
import { CANARY, startRawTlsServer } from "./support/tls-server.ts";
import type { TlsServer } from "./support/tls-server.ts";

const BODY = '{"statusCode":202,"message":"Accepted"}';
const ACCEPTED = `HTTP/1.1 202 Accepted\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;

let one: TlsServer;
let two: TlsServer;

beforeAll(async () => {
  one = await startRawTlsServer(ACCEPTED);
  two = await startRawTlsServer(ACCEPTED);
});

afterAll(async () => {
  await one[Symbol.asyncDispose]();
  await two[Symbol.asyncDispose]();
});

const trusting = (trustedCA: Readonly<Record<string, string>>): Membrane =>
  new CapabilitySDK.Membrane({ tls: { trustedCA } });

const works = { statusCode: 202, message: "Accepted" };
const distrust = {
  code: "request_failed",
  statusCode: 0,
  cause: { code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" },
};

test("a private CA is trusted for its authority and for no other, also in concurrent requests of one client", async () => {
  const onlyOne = trusting({ [one.authority]: one.ca });
  expect(await onlyOne.revoke(one.capability)).toEqual(works);
  await expect(onlyOne.revoke(two.capability)).rejects.toMatchObject(distrust);

  const both = trusting({ [one.authority]: one.ca, [two.authority]: two.ca });
  const responses = [one, two, one, two].map(({ capability }) => both.revoke(capability));
  expect(await Promise.all(responses)).toEqual([works, works, works, works]);

  const crossed = trusting({ [one.authority]: two.ca, [two.authority]: one.ca });
  await expect(crossed.revoke(one.capability)).rejects.toMatchObject(distrust);
  await expect(crossed.revoke(two.capability)).rejects.toMatchObject(distrust);
});

test("a CA of one client is not trusted by another client", async () => {
  expect(await trusting({ [one.authority]: one.ca }).revoke(one.capability)).toEqual(works);
  await expect(new CapabilitySDK.Membrane().revoke(one.capability)).rejects.toMatchObject(distrust);
});

test("the certificate must be valid for the host of the authority", async () => {
  const certificate = await makeCertificate("elsewhere.example");
  await using elsewhere = await startRawTlsServer(ACCEPTED, undefined, { certificate });
  const client = trusting({ [elsewhere.authority]: elsewhere.ca });
  await expect(client.revoke(elsewhere.capability)).rejects.toMatchObject({
    code: "request_failed",
    cause: { code: "ERR_TLS_CERT_ALTNAME_INVALID" },
  });
});

test("the case of an authority does not matter", async () => {
  const client = trusting({ [one.authority.toUpperCase()]: one.ca });
  expect(await client.revoke(one.capability)).toEqual(works);
  const shouting = one.capability.replace("localhost", "LocalHost");
  expect(await trusting({ [one.authority]: one.ca }).revoke(shouting)).toEqual(works);
});

test("the CA of an IPv6 authority is found for every spelling of its address", async () => {
  await using six = await startRawTlsServer(ACCEPTED, undefined, { host: "::1" });
  const client = trusting({ [`[0:0:0:0:0:0:0:1]:${six.port}`]: six.ca });
  expect(await client.revoke(six.capability)).toEqual(works);
});

test("one PEM text may have several certificates", async () => {
  const client = trusting({ [one.authority]: `${two.ca}\n# of one\n${one.ca}` });
  expect(await client.revoke(one.capability)).toEqual(works);
});

const REPLACING = `
  import CapabilitySDK from "capability-sdk";
  import { readFileSync } from "node:fs";
  const trusting = (ca) => new CapabilitySDK.Membrane({ tls: { trustedCA: { [process.env.AUTHORITY]: ca } } });
  const outcome = (client) => client.revoke(process.env.CAPABILITY).then(({ statusCode }) => statusCode, ({ cause }) => cause.code);
  console.log(await outcome(new CapabilitySDK.Membrane()));
  console.log(await outcome(trusting(readFileSync("ca.pem", "utf8"))));
`;

test("a CA given for an authority replaces the default authorities for it", async () => {
  const result = await runScript(REPLACING, {
    type: "module",
    extraCa: one.ca,
    ca: two.ca,
    env: { AUTHORITY: one.authority, CAPABILITY: one.capability },
  });
  expect(result).toEqual({ code: 0, stdout: "202\nUNABLE_TO_VERIFY_LEAF_SIGNATURE\n", stderr: "" });
});

const GARBAGE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

test.each([
  ["options: expected an object", 7],
  ["options.trustedCA: expected no such option; the options are tls", { trustedCA: {} }],
  ["tls: expected an object", { tls: "x" }],
  ["tls.ca: expected no such option; the options are trustedCA", { tls: { ca: GARBAGE } }],
  ["tls.trustedCA: expected an object", { tls: { trustedCA: GARBAGE } }],
  ["tls.trustedCA.https://a/: expected an authority", { tls: { trustedCA: { "https://a/": GARBAGE } } }],
  ["tls.trustedCA.a: expected PEM", { tls: { trustedCA: { a: "no PEM" } } }],
  ["tls.trustedCA.a: expected PEM", { tls: { trustedCA: { a: Buffer.from(GARBAGE) } } }],
  ["tls.trustedCA.a: expected PEM certificates", { tls: { trustedCA: { a: GARBAGE } } }],
  [
    "tls.trustedCA.a: expected PEM certificates",
    { tls: { trustedCA: { a: "-----BEGIN CERTIFICATE-----\n" } } },
  ],
])("%s: thrown when the client is made", (message, options) => {
  const make = (): unknown => new CapabilitySDK.Membrane(options as any);
  expect(make).toThrow(CapabilitySDK.CapabilityError);
  expect(make).toThrow(message);
});

test("a valid certificate together with a damaged one is refused", () => {
  const make = (): unknown => trusting({ a: one.ca + GARBAGE });
  expect(make).toThrow("tls.trustedCA.a: expected PEM certificates");
  expect(make).not.toThrow(CANARY);
});
