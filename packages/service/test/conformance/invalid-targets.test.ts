import { afterAll, beforeAll, test } from "vitest";
import { call, expectStatus } from "../../../testkit/src/client.ts";
import type { InvalidInputFixture } from "../../../testkit/src/invalid-input.ts";
import { CANARY, NON_TEXT_VALUES, startInvalidInputFixture } from "../../../testkit/src/invalid-input.ts";
import {
  issueServerCertificate,
  issueAuthorityCertificate,
  generateAuthorityKey,
} from "../../src/tls/x509.ts";

const URI = "https://example.com/";

let refusing: InvalidInputFixture;

beforeAll(async () => {
  refusing = await startInvalidInputFixture();
});

afterAll(() => refusing[Symbol.asyncDispose]());

test("the errors for invalid method, allowQuery and timeoutMs name the field", async () => {
  const methods = [
    ...NON_TEXT_VALUES,
    "",
    "CONNECT",
    "connect",
    "TRACE",
    "trace",
    CANARY,
    "GET ",
    "G\u0000ET",
    "ſearch",
  ];
  await refusing.expectRefused(
    refusing.exportToken,
    "method",
    methods.map((method) => ({ uri: URI, method })),
  );
  const queries = [null, 0, 1, "true", "", [], {}, CANARY];
  await refusing.expectRefused(
    refusing.exportToken,
    "allowQuery",
    queries.map((allowQuery) => ({ uri: URI, allowQuery })),
  );
  const timeouts = [null, true, 0, -1, 1.5, 2 ** 53, "1000", CANARY, [], {}];
  await refusing.expectRefused(
    refusing.exportToken,
    "timeoutMs",
    timeouts.map((timeoutMs) => ({ uri: URI, timeoutMs })),
  );
});

test("headers must be names and values of RFC 9110, each name once, and none may frame or route the message", async () => {
  await refusing.expectRefused(
    refusing.exportToken,
    "headers",
    [null, 0, CANARY, [], [CANARY]].map((headers) => ({ uri: URI, headers })),
  );
  const values = [
    null,
    0,
    [],
    {},
    `${CANARY}\r\nX: 1`,
    `${CANARY}\n`,
    `\r${CANARY}`,
    `${CANARY}\0`,
    `${CANARY}\u0001`,
    `${CANARY}Ā`,
    `${CANARY}𝄞`,
  ];
  await refusing.expectRefused(
    refusing.exportToken,
    "headers.X-Foo",
    values.map((value) => ({ uri: URI, headers: { "X-Foo": value } })),
  );
  for (const name of ["Host", "content-length", "Expect", "VIA", "CDN-Loop"]) {
    await refusing.expectRefused(refusing.exportToken, `headers.${name}`, [
      { uri: URI, headers: { [name]: CANARY } },
    ]);
  }
  await refusing.expectRefused(refusing.exportToken, "headers.x-foo", [
    { uri: URI, headers: { "X-Foo": "1", "x-foo": CANARY } },
  ]);
  for (const [name, shown] of [
    ["a b", "a?b"],
    ["a:b", "a:b"],
    ["a\r\nb", "a??b"],
    ["é", "?"],
  ] as const) {
    await refusing.expectRefused(refusing.exportToken, `headers.${shown}`, [
      { uri: URI, headers: { [name]: CANARY } },
    ]);
  }
  const hmac = { "cap1-hmac-sha512": { key: "abcd", keyId: "k" } };
  await refusing.expectRefused(refusing.exportToken, "headers.authorization", [
    { uri: URI, headers: { authorization: CANARY }, hmac },
  ]);
});

const AWS4 = { awsAccessKeyId: "AKID", region: "r", service: "s", secretAccessKey: "secret" };

test("hmac must have exactly one scheme with all of its fields", async () => {
  const cap1 = { key: "abcd", keyId: "k" };
  const none = [null, 0, CANARY, [], {}, { "aws4-hmac-sha256": AWS4, "cap1-hmac-sha512": cap1 }];
  await refusing.expectRefused(
    refusing.exportToken,
    "hmac",
    none.map((hmac) => ({ uri: URI, hmac })),
  );
  await refusing.expectRefused(refusing.exportToken, "hmac.hmac-md5", [
    { uri: URI, hmac: { "hmac-md5": { key: CANARY } } },
  ]);
  const wrong: Readonly<Record<string, readonly unknown[]>> = {
    awsAccessKeyId: [undefined, ...NON_TEXT_VALUES, "", `${CANARY}-`, CANARY.repeat(13)],
    region: [undefined, ...NON_TEXT_VALUES, "", `${CANARY}/`, `${CANARY},`, CANARY.repeat(13), `${CANARY} `],
    service: [undefined, ...NON_TEXT_VALUES, "", `${CANARY}/`, CANARY.repeat(13)],
    secretAccessKey: [undefined, ...NON_TEXT_VALUES, "", CANARY.repeat(26), `${CANARY}\n`, `${CANARY}\ud834`],
    sessionToken: [...NON_TEXT_VALUES, "", `${CANARY}\r\n`, `${CANARY} `],
    secret: [CANARY],
  };
  for (const [name, values] of Object.entries(wrong)) {
    const bodies = values.map((value) => ({
      uri: URI,
      hmac: { "aws4-hmac-sha256": { ...AWS4, [name]: value } },
    }));
    await refusing.expectRefused(refusing.exportToken, `hmac.aws4-hmac-sha256.${name}`, bodies);
  }
  const wrongCap1 = {
    key: [undefined, ...NON_TEXT_VALUES, "", `${CANARY}=`, `${CANARY}+/`, "abcde"],
    keyId: [undefined, ...NON_TEXT_VALUES, "", `${CANARY},`, CANARY.repeat(26)],
  };
  for (const [name, values] of Object.entries(wrongCap1)) {
    const bodies = values.map((value) => ({
      uri: URI,
      hmac: { "cap1-hmac-sha512": { ...cap1, [name]: value } },
    }));
    await refusing.expectRefused(refusing.exportToken, `hmac.cap1-hmac-sha512.${name}`, bodies);
  }
  const shapes = ["?a=b=c", "?a", "?a=b&c", "?a=%ff", "%ff"];
  await refusing.expectRefused(
    refusing.exportToken,
    "uri",
    shapes.map((end) => ({ uri: `${URI}${end}`, hmac: { "cap1-hmac-sha512": cap1 } })),
  );
});

test("tls has a closed list of fields with valid PEM, and a certificate needs its key", async () => {
  const { ca, cert, key, otherKey } = await clientCertificate();
  const bodies = (list: readonly object[]): object[] => list.map((tls) => ({ uri: URI, tls }));
  await refusing.expectRefused(
    refusing.exportToken,
    "tls",
    [null, 0, CANARY, [], true].map((tls) => ({ uri: URI, tls })),
  );
  const broken = `-----BEGIN CERTIFICATE-----\n${CANARY}\n-----END CERTIFICATE-----\n`;
  const noPem = [...NON_TEXT_VALUES, "", CANARY, "-----BEGIN", Buffer.from(ca).toString("base64")];
  await refusing.expectRefused(
    refusing.exportToken,
    "tls.ca",
    bodies([...noPem, broken, key, ca.slice(0, 200)].map((text) => ({ ca: text }))),
  );
  await refusing.expectRefused(
    refusing.exportToken,
    "tls.cert",
    bodies([...noPem, broken, key].map((text) => ({ cert: text, key }))),
  );
  await refusing.expectRefused(refusing.exportToken, "tls.cert", bodies([{ key }]));
  const badKey = `-----BEGIN PRIVATE KEY-----\n${CANARY}\n-----END PRIVATE KEY-----\n`;
  await refusing.expectRefused(
    refusing.exportToken,
    "tls.key",
    bodies([...noPem, badKey, cert, otherKey].map((text) => ({ cert, key: text }))),
  );
  await refusing.expectRefused(refusing.exportToken, "tls.key", bodies([{ cert }]));
  await refusing.expectRefused(
    refusing.exportToken,
    "tls.rejectUnauthorized",
    bodies([null, 0, "false", CANARY, {}].map((rejectUnauthorized) => ({ rejectUnauthorized }))),
  );
  for (const name of [
    "socketPath",
    "lookup",
    "servername",
    "path",
    "pfx",
    "secureContext",
    "checkServerIdentity",
    "__proto__",
  ]) {
    await refusing.expectRefused(refusing.exportToken, `tls.${name}`, [
      { uri: URI, tls: JSON.parse(`{"${name}": "${CANARY}"}`) },
    ]);
  }
  expectStatus(
    await call(refusing.service, refusing.exportToken, { body: { uri: URI, tls: { ca, cert, key } } }),
    201,
  );
});

async function clientCertificate() {
  const now = new Date();
  const otherKey = await generateAuthorityKey();
  const ca = await issueAuthorityCertificate(otherKey, now);
  const names = [{ type: "dns", value: "client.test" }] as const;
  return { ca, otherKey, ...(await issueServerCertificate({ cert: ca, key: otherKey }, names, now)) };
}
