import { foldHeaderName, formatToken, parseAuthority } from "capability-protocol";
import type { Authority } from "capability-protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AWS_KEY } from "../../../testkit/src/aws4-reference.ts";
import { CREDENTIAL_HEADERS } from "../../../testkit/src/credential-headers.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { OK_RESPONSE, rawResponderAfterBody } from "../../../testkit/src/raw-responder.ts";
import { startRawTarget, startRawTlsTarget } from "../../../testkit/src/target.ts";
import type { RawTarget } from "../../../testkit/src/target.ts";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";
import type { TestCertificate } from "../../../testkit/src/tls-target.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import type { RawResponse } from "../../../testkit/src/raw-connection.ts";

/*
 * A target with a credential gets no other credential: a service that checks `X-Api-Key` first would mistake the client for
 * another one, or let the client choose how the target's credential is used (as in CVE-2026-105452). Every byte that reaches the
 * target is checked.
 */

const CANARY = "canary-c3e5a7";
const TOKEN = formatToken(Buffer.alloc(64, 0x33));

let certificate: TestCertificate;
let service: TestService;
const cas = new Map<Authority, string>();
beforeAll(async () => {
  certificate = await makeCertificate("other.test");
  service = await startTestService({
    authorityCas: cas,
    lookup: (_name, _options, callback) => callback(null, [{ address: "127.0.0.1", family: 4 }]),
  });
});
afterAll(() => service.close());

async function send(token: string, head: Parameters<typeof requestHead>[1]): Promise<RawResponse> {
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, head));
  return await nextResponse(connection);
}

interface Carrying {
  readonly name: string;
  readonly start?: () => Promise<RawTarget>;
  readonly body: (target: RawTarget) => object;
  /** Which credentials it gets, because it checks them itself; absent: none. */
  readonly gets?: (header: string) => boolean;
}

/** Headers in which another authority would look for a token. */
const CARRIERS: ReadonlySet<string> = new Set([
  "x-api-key",
  "api-key",
  "x-goog-api-key",
  "x-amz-security-token",
]);

const CARRYING: readonly Carrying[] = [
  { name: "Authorization", body: ({ url }) => ({ uri: url, headers: { Authorization: "Basic YTpi" } }) },
  { name: "Cookie", body: ({ url }) => ({ uri: url, headers: { Cookie: "a=b" } }) },
  { name: "a header of an API key", body: ({ url }) => ({ uri: url, headers: { "x-api-key": "ours" } }) },
  { name: "a key in its query", body: ({ url }) => ({ uri: `${url}?api_key=ours` }) },
  {
    name: "an aws4 signature",
    body: ({ url }) => ({ uri: url, hmac: { "aws4-hmac-sha256": { ...AWS_KEY, service: "lambda" } } }),
  },
  {
    name: "a cap1 signature",
    body: ({ url }) => ({ uri: url, hmac: { "cap1-hmac-sha512": { key: "c2VjcmV0", keyId: "me" } } }),
  },
  {
    name: "a capability of another authority",
    gets: (header) => !CARRIERS.has(foldHeaderName(header)),
    start: async () => {
      const target = await startRawTlsTarget(certificate, rawResponderAfterBody(OK_RESPONSE));
      cas.set(parseAuthority(`other.test:${target.port}`)!, certificate.ca);
      return target;
    },
    body: ({ port }) => ({ capability: `cpblty://other.test:${port}/#${TOKEN}` }),
  },
];

test.each(CARRYING)(
  "a target with $name gets no credential of the client that it does not check itself",
  async ({ start, body, gets }) => {
    await using target = await (start ?? (() => startRawTarget(rawResponderAfterBody(OK_RESPONSE))))();
    const { token } = await exportTarget(service, body(target));
    const names = CREDENTIAL_HEADERS.filter((name) => gets?.(name) !== true);
    for (const name of names) {
      expect(await send(token, { headers: [`${name}: ${CANARY}`, "X-Kept: 1"] }), name).toMatchObject({
        status: 200,
      });
    }
    expect(target.received()).not.toContain(CANARY);
    expect(target.received().split("X-Kept: 1")).toHaveLength(names.length + 1);
  },
);

test("a client certificate of the target is a credential too", async () => {
  await using target = await startRawTlsTarget(certificate, rawResponderAfterBody(OK_RESPONSE));
  const tls = { ca: certificate.ca, cert: certificate.cert, key: certificate.key };
  const { token } = await exportTarget(service, { uri: `https://other.test:${target.port}/`, tls });
  expect(await send(token, { headers: [`X-Api-Key: ${CANARY}`] })).toMatchObject({ status: 200 });
  expect(target.received()).not.toContain(CANARY);
});

test("a target without a credential gets the client's, but never a capability token", async () => {
  await using target = await startRawTarget(rawResponderAfterBody(OK_RESPONSE));
  const { token } = await exportTarget(service, { uri: target.url, headers: { "X-Ours": "a" } });
  for (const name of CREDENTIAL_HEADERS) {
    await send(token, { headers: [`${name}: ${CANARY}`] });
    expect(target.received()).toContain(`${name}: ${CANARY}`);
    await send(token, { headers: [`${name}: ${TOKEN}`, `${name}: Bearer ${TOKEN}`] });
  }
  expect(target.received()).not.toContain(TOKEN);
});

test.each([
  "api_key",
  "apikey",
  "access_token",
  "API_KEY",
  "%61pi_key",
  "api.key",
  "api_key[]",
  "[api_key]",
  "api[key",
  "a=1;api_key",
])("?%s= of the client is a 403 if the target has a credential, and passes if it does not", async (key) => {
  await using target = await startRawTarget(rawResponderAfterBody(OK_RESPONSE));
  const line = `GET /?a=1&${key}=${CANARY} HTTP/1.1`;
  const carrying = await exportTarget(service, {
    uri: target.url,
    allowQuery: true,
    headers: { Authorization: "a" },
  });
  const response = await send(carrying.token, { line });
  expect(response.status).toBe(403);
  expect(JSON.parse(response.body)).toMatchObject({ code: "query_not_allowed" });
  expect(target.received()).toBe("");
  const plain = await exportTarget(service, { uri: target.url, allowQuery: true });
  expect(await send(plain.token, { line })).toMatchObject({ status: 200 });
});

test("the query key of the target's credential does not get a second value", async () => {
  await using target = await startRawTarget(rawResponderAfterBody(OK_RESPONSE));
  const { token } = await exportTarget(service, { uri: `${target.url}?key=ours`, allowQuery: true });
  for (const query of ["key=theirs", "a=1&KEY", "k%65y=theirs", "token=a"]) {
    expect(await send(token, { line: `GET /?${query} HTTP/1.1` })).toMatchObject({ status: 403 });
  }
  expect(await send(token, { line: "GET /?page_token=2&keys=1 HTTP/1.1" })).toMatchObject({ status: 200 });
  expect(target.received()).toContain("GET /?key=ours&page_token=2&keys=1 HTTP/1.1");
});

test.each(["Destination", "X-Copy-From", "X-Ms-Copy-Source", "Impersonate-User", "impersonate_user", "Sudo"])(
  "%s together with a credential of the target is a 403, and nothing is sent",
  async (name) => {
    await using target = await startRawTarget(rawResponderAfterBody(OK_RESPONSE));
    const { token } = await exportTarget(service, {
      uri: target.url,
      headers: { Authorization: "Bearer a" },
    });
    const response = await send(token, { headers: [`${name}: ${CANARY}`] });
    expect(response.status).toBe(403);
    expect(JSON.parse(response.body)).toMatchObject({
      code: "header_not_allowed",
      message: expect.stringContaining(name),
    });
    expect(target.received()).toBe("");
    const plain = await exportTarget(service, { uri: target.url });
    expect(await send(plain.token, { headers: [`${name}: ${CANARY}`] })).toMatchObject({ status: 200 });
    const own = await exportTarget(service, {
      uri: target.url,
      headers: { Authorization: "Bearer a", [name]: "ours" },
    });
    expect(await send(own.token, { headers: [`${name}: ours`] })).toMatchObject({ status: 200 });
    expect(await send(own.token, { headers: [`${name}: ${CANARY}`] })).toMatchObject({ status: 403 });
  },
);
