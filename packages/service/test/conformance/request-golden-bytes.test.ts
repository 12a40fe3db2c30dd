import type { LookupFunction, Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { formatToken, parseAuthority } from "capability-protocol";
import type { Authority } from "capability-protocol";
import { AWS_KEY, sha256 } from "../../../testkit/src/aws4-reference.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { NEVER_FORWARDED } from "../../../testkit/src/never-forwarded.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { OK_RESPONSE, rawResponderAfterBody } from "../../../testkit/src/raw-responder.ts";
import { startRawTarget, startRawTlsTarget } from "../../../testkit/src/target.ts";
import type { RawTarget } from "../../../testkit/src/target.ts";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";
import type { TestCertificate } from "../../../testkit/src/tls-target.ts";
import {
  nextResponse,
  openRawConnection,
  messageHead,
  requestHead,
} from "../../../testkit/src/raw-connection.ts";

/*
 * Checks the bytes that the service sends to a target: a line too many could be a secret, and one too few would be another
 * request. signed-header-injection.test.ts tests single headers and says why; response-golden-bytes.test.ts tests the other
 * direction.
 */

const NOW = new Date("2026-11-22T12:00:00Z");
const FOREIGN_TOKEN = formatToken(Buffer.alloc(64, 0x5a));

const lookup: LookupFunction = (_name, _options, callback) =>
  callback(null, [{ address: "127.0.0.1", family: 4 }]);

let certificate: TestCertificate;
let service: TestService;
const cas = new Map<Authority, string>();
/** The service's name in Via and CDN-Loop. */
let hop: string;
beforeAll(async () => {
  certificate = await makeCertificate("other.test");
  service = await startTestService({ now: () => NOW, lookup, authorityCas: cas });
  hop = `membrane-${service.data.store.id.slice(0, 16)}`;
});
afterAll(() => service.close());

/** Header names that every object has as properties, and bytes that are neither ASCII nor UTF-8, in both directions. */
const CONFIGURED: object = JSON.parse(
  `{"X-Ours": "\u00e9\u00ff", "__proto__": "ours", "toString": "ours too", "Content-Type": "text/ours"}`,
);
const CONFIGURED_LINES = [
  "X-Ours: \xe9\xff",
  "__proto__: ours",
  "toString: ours too",
  "Content-Type: text/ours",
];
const PASSING = [
  "X-Theirs: \x80\xe9 \xff\t!",
  "constructor: theirs",
  "hasOwnProperty: theirs",
  "user-AGENT: a",
];

/** Headers of a client that are dropped, around those that pass. */
function said(body: string): readonly string[] {
  return [
    `X-Payload-Sha256: ${hashOf(body)}`,
    ...NEVER_FORWARDED.filter((name) => name !== "X-Payload-Sha256").map((name) => `${name}: evil`),
    "Connection: x-named, host, via, cdn-loop, content-length",
    "X-Named: evil",
    ...PASSING,
    "content-TYPE: text/theirs",
    "valueOf: evil",
    "Connection: VALUEOF",
  ];
}

function hashOf(body: string): string {
  return sha256(Buffer.from(body, "latin1"));
}

const BODY = "b\r\n\xff";

/** The framing of a request as it is sent, and as it arrives. */
const FRAMINGS = [
  { method: "GET", body: "", sent: [], sends: "", framed: [], arrives: "" },
  { method: "POST", body: "", sent: [], sends: "", framed: ["content-length: 0"], arrives: "" },
  {
    method: "POST",
    body: BODY,
    sent: ["Content-Length: 04"],
    sends: BODY,
    framed: ["content-length: 4"],
    arrives: BODY,
  },
  {
    method: "PUT",
    body: BODY,
    sent: ["Transfer-Encoding: Chunked"],
    sends: `004;a=b\r\n${BODY}\r\n0\r\nX-Trailer: evil\r\n\r\n`,
    framed: ["transfer-encoding: chunked"],
    arrives: `4\r\n${BODY}\r\n0\r\n\r\n`,
  },
] as const;

interface TargetCase {
  readonly name: string;
  readonly start: (onConnection: (socket: Socket) => void) => Promise<RawTarget>;
  /** The body of the export. */
  readonly body: (target: RawTarget) => object;
  readonly host: (target: RawTarget) => string;
  /** The request target for `/?d=e`. */
  readonly path: string;
  readonly configured: readonly string[];
  /** The client's headers that pass. */
  readonly passing: (body: string) => readonly string[];
  /** The header lines with credentials; `*` replaces a signature. */
  readonly credentials: (host: string, body: string, framed: readonly string[]) => readonly string[];
}

const CONFIGURABLE = {
  start: startRawTarget,
  host: ({ port }: RawTarget) => `127.0.0.1:${port}`,
  path: "/a%20b?c=1&d=e",
  configured: CONFIGURED_LINES,
  passing: () => PASSING,
};

function configured({ url }: RawTarget): object {
  return { uri: `${url}a%20b?c=1`, allowQuery: true, headers: CONFIGURED };
}

const CASES: readonly TargetCase[] = [
  { ...CONFIGURABLE, name: "a plain target", body: configured, credentials: () => [] },
  {
    ...CONFIGURABLE,
    name: "an aws4 target",
    body: (target) => ({
      ...configured(target),
      hmac: { "aws4-hmac-sha256": { ...AWS_KEY, service: "lambda", sessionToken: "t" } },
    }),
    credentials: (_host, body) => [
      "x-amz-date: 20261122T120000Z",
      `x-amz-content-sha256: ${hashOf(body)}`,
      "x-amz-security-token: t",
      `authorization: AWS4-HMAC-SHA256 Credential=${AWS_KEY.awsAccessKeyId}/20261122/us-east-1/lambda/aws4_request, ` +
        "SignedHeaders=__proto__;content-type;host;tostring;x-amz-content-sha256;x-amz-date;x-amz-security-token;" +
        "x-ours, Signature=*",
    ],
  },
  {
    ...CONFIGURABLE,
    name: "a cap1 target",
    body: (target) => ({
      ...configured(target),
      hmac: { "cap1-hmac-sha512": { key: "c2VjcmV0", keyId: "me" } },
    }),
    credentials: (host, body, framed) => [
      "X-Cap-Date: 20261122T120000Z",
      `Authorization: CAP1-HMAC-SHA512 Credential=me/20261122/${host}/cap1_request,SignedHeaders=__proto__;constructor;` +
        (body !== "" && framed.includes("content-length: 4") ? "content-length;" : "") +
        "content-type;hasownproperty;host;tostring;user-agent;x-cap-date;x-ours;x-theirs,Signature=*",
    ],
  },
  {
    name: "a capability of another authority",
    start: async (onConnection) => {
      const target = await startRawTlsTarget(certificate, onConnection);
      cas.set(parseAuthority(`other.test:${target.port}`)!, certificate.ca);
      return target;
    },
    body: ({ port }) => ({ capability: `cpblty://other.test:${port}/#${FOREIGN_TOKEN}` }),
    host: ({ port }) => `other.test:${port}`,
    path: "/?d=e",
    configured: [`Authorization: Bearer ${FOREIGN_TOKEN}`],
    passing: (body) => [`X-Payload-Sha256: ${hashOf(body)}`, ...PASSING, "content-TYPE: text/theirs"],
    credentials: () => [],
  },
];

/** Removes signatures, which other tests check. */
function withoutSignatures(text: string): string {
  return text.replace(/(?<=[, ]Signature=)(?:[0-9a-f]{64}|[\w-]{86})(?=\r)/g, "*");
}

test.each(CASES)("$name gets exactly these bytes, for each request on one connection", async (each) => {
  let connections = 0;
  await using target = await each.start((socket) => {
    connections += 1;
    rawResponderAfterBody(OK_RESPONSE)(socket);
  });
  const { token } = await exportTarget(service, each.body(target));
  const host = each.host(target);
  const marks = [`Via: 1.1 ${hop}`, `CDN-Loop: ${hop}`];
  const expected: string[] = [];
  await using connection = await openRawConnection(service.port);
  const send = async (request: string): Promise<void> => {
    const from = connection.received().length;
    connection.send(request);
    expect(await nextResponse(connection, { from })).toMatchObject({ status: 200, rest: "" });
  };
  for (const { method, body, sent, sends, framed, arrives } of FRAMINGS) {
    await send(
      requestHead(token, { line: `${method} /?d=e HTTP/1.1`, headers: [...said(body), ...sent] }) + sends,
    );
    expected.push(
      messageHead(
        `${method} ${each.path} HTTP/1.1`,
        `host: ${host}`,
        "connection: keep-alive",
        ...each.configured,
        ...each.passing(body),
        ...each.credentials(host, body, framed),
        ...marks,
        ...framed,
      ) + arrives,
    );
    expect(withoutSignatures(target.received())).toBe(expected.join(""));
  }
  expect(connections).toBe(1);
});

test("a request without headers has none of the request before on the same connection", async () => {
  let connections = 0;
  await using target = await startRawTarget((socket) => {
    connections += 1;
    rawResponderAfterBody(OK_RESPONSE)(socket);
  });
  const { token } = await exportTarget(service, { uri: target.url });
  const rich = {
    line: "PUT / HTTP/1.1",
    headers: ["X-First: 1", "Via: 1.0 first", "CDN-Loop: first", "Content-Length: 4"],
  };
  for (const request of [`${requestHead(token, rich)}${BODY}`, requestHead(token)]) {
    await using connection = await openRawConnection(service.port);
    connection.send(request);
    await nextResponse(connection);
  }
  const head = [`host: 127.0.0.1:${target.port}`, "connection: keep-alive"];
  const first = messageHead(
    "PUT / HTTP/1.1",
    ...head,
    "X-First: 1",
    `Via: 1.0 first, 1.1 ${hop}`,
    `CDN-Loop: first, ${hop}`,
    "content-length: 4",
  );
  const second = messageHead("GET / HTTP/1.1", ...head, `Via: 1.1 ${hop}`, `CDN-Loop: ${hop}`);
  expect(target.received()).toBe(`${first}${BODY}${second}`);
  expect(connections).toBe(1);
});

test("a body that is buffered for its signature is sent with its length", async () => {
  await using target = await startRawTarget(rawResponderAfterBody(OK_RESPONSE));
  const hmac = { "aws4-hmac-sha256": { ...AWS_KEY, service: "lambda" } };
  const { token } = await exportTarget(service, { uri: target.url, hmac });
  await using connection = await openRawConnection(service.port);
  const head = { line: "PATCH / HTTP/1.1", headers: ["Transfer-Encoding: chunked"] };
  connection.send(`${requestHead(token, head)}4\r\n${BODY}\r\n0\r\n\r\n`);
  await nextResponse(connection);
  const lines = messageHead(
    "PATCH / HTTP/1.1",
    `host: 127.0.0.1:${target.port}`,
    "connection: keep-alive",
    "x-amz-date: 20261122T120000Z",
    `x-amz-content-sha256: ${hashOf(BODY)}`,
    `authorization: AWS4-HMAC-SHA256 Credential=${AWS_KEY.awsAccessKeyId}/20261122/us-east-1/lambda/aws4_request, ` +
      "SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=*",
    `Via: 1.1 ${hop}`,
    `CDN-Loop: ${hop}`,
    "content-length: 4",
  );
  expect(withoutSignatures(target.received())).toBe(lines + BODY);
});
