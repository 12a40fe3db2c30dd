import { parseCidr } from "../../../../protocol/src/address.ts";
import { parseAllowTarget, parsePort } from "../../../src/egress/allow-rule.ts";
import { canonicalName, parseHosts } from "../../../src/egress/hosts-file.ts";
import { createEgressPolicy } from "../../../src/egress/policy.ts";
import { parseBasic } from "../../../src/http/basic.ts";
import type { Carrier } from "../../../src/invocation/carrier.ts";
import { parseRequestId } from "../../../src/http/request-id.ts";
import { parsePeerAddress } from "../../../src/net/peer-address.ts";
import { clientAddress } from "../../../src/http/client-address.ts";
import { parseJson } from "../../../src/http/json.ts";
import { takeToken } from "../../../src/http/take-token.ts";
import { createHostCheck } from "../../../src/http/host.ts";
import { readFraming } from "../../../src/http/framing.ts";
import { readUpgrade } from "../../../src/http/upgrade.ts";
import { readHead } from "../../../src/http/read-head.ts";
import { trimEnd } from "../../../src/http1/llhttp/header-text.ts";
import { tokenizeRequestHead } from "../../../src/http1/llhttp/request-head.ts";
import { mayBecomeFastHead, readFastHead } from "../../../src/http1/native/request-head.ts";
import { parsePrivateKey } from "../../../src/pem.ts";
import { clientConnection } from "../../../../testkit/src/fixtures.ts";
import { toSubjectAltName } from "../../../src/tls/subject-alt-name.ts";
import { isTracestate, parseTraceparent } from "../../../src/tracing/trace-context.ts";
import type { Reader } from "./reader.ts";
import { BODY, FILE, HEAD, KIB, PEM, SENTENCE, manyLines, reader } from "./reader.ts";
import { openTarget } from "./targets.ts";

const policy = createEgressPolicy({
  allow: [],
  ownEndpoints: () => [],
  localAddresses: () => [],
  ownAuthorities: [],
});

const everyAddress = [parseCidr("0.0.0.0/0")!];

function headOf(url: string, rawHeaders: string[] = ["Host", "a"]): unknown {
  const request = { method: "GET", url, httpVersion: "1.1", rawHeaders, socket: clientConnection() };
  return readHead(request, { isHost: createHostCheck(), isOwn: () => true, trustedProxies: [] });
}

function takeFrom(carrier: Carrier, value: string): unknown {
  const request = { rawHeaders: [carrier, value], socket: clientConnection() };
  return takeToken(request, [{ carrier, index: 0 }], [], "websocket");
}

/** Parsers of the heads and bodies of requests to the service, and of what an operator or a certificate names. */
export const HEAD_READERS: readonly Reader[] = [
  reader("service/src/http1/llhttp/header-text.ts#trimEnd", HEAD, "a ", trimEnd),
  reader("service/src/http1/native/request-head.ts#readFastHead", HEAD, "A: b\r\n", (text) =>
    readFastHead(Buffer.from(`GET / HTTP/1.1\r\n${text}\r\n\r\n`, "latin1")),
  ),
  reader("service/src/http1/native/request-head.ts#mayBecomeFastHead", HEAD, "A: b\r\n", (text) =>
    mayBecomeFastHead(Buffer.from(`GET / HTTP/1.1\r\n${text}`, "latin1")),
  ),
  reader("service/src/http1/llhttp/request-head.ts#tokenizeRequestHead", HEAD, "A: b\r\n", (text) =>
    tokenizeRequestHead(Buffer.from(`GET / HTTP/1.1\r\n${text}\r\n\r\n`, "latin1")),
  ),
  reader("service/src/http1/llhttp/request-head.ts#tokenizeRequestHead target", HEAD, "/a", (text) =>
    tokenizeRequestHead(Buffer.from(`GET ${text} HTTP/1.1\r\n\r\n`, "latin1")),
  ),
  reader("service/src/egress/allow-rule.ts#parseAllowTarget", HEAD, "10.0.0.0/8", parseAllowTarget),
  reader("service/src/egress/allow-rule.ts#parsePort", HEAD, "443", parsePort),
  reader("service/src/egress/hosts-file.ts#parseHosts", FILE, "127.0.0.1 name alias # comment\n", parseHosts),
  reader("service/src/egress/hosts-file.ts#canonicalName", FILE, "name.example", canonicalName),
  reader("service/src/egress/policy.ts#checkHost", BODY, "name.example", (text) =>
    policy.checkHost({ ...openTarget.origin, hostname: text }),
  ),
  reader(
    "service/src/tracing/trace-context.ts#parseTraceparent",
    HEAD,
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
    (text) => parseTraceparent([text]),
  ),
  reader("service/src/tracing/trace-context.ts#isTracestate", HEAD, "rojo=00f067aa0ba902b7,", (text) =>
    isTracestate([text]),
  ),
  reader("service/src/http/basic.ts#parseBasic", HEAD, "dXNlcjpwYXNz", parseBasic),
  reader("service/src/http/take-token.ts#takeToken", HEAD, "Bearer CPBLTY1-Vm9n", (text) =>
    takeFrom("authorization", text),
  ),
  reader("service/src/http/take-token.ts#takeToken Basic", HEAD, "user:pass", (text) =>
    takeFrom("authorization", `Basic ${Buffer.from(text).toString("base64")}`),
  ),
  reader("service/src/http/take-token.ts#takeToken key", HEAD, "CPBLTY1-Vm9n", (text) =>
    takeFrom("x-api-key", text),
  ),
  reader(
    "service/src/http/take-token.ts#takeToken protocols",
    HEAD,
    "base64url.bearer.authorization.k8s.io.Q1BC, ",
    (text) => takeFrom("sec-websocket-protocol", text),
  ),
  reader("service/src/http/request-id.ts#parseRequestId", HEAD, "a1b2c3d4-", (text) =>
    parseRequestId([text]),
  ),
  reader("service/src/net/peer-address.ts#parsePeerAddress", HEAD, "::ffff:", (text) =>
    parsePeerAddress(text),
  ),
  reader("service/src/http/client-address.ts#clientAddress", HEAD, "192.0.2.1, ", (text) =>
    clientAddress("192.0.2.1", text, everyAddress),
  ),
  reader("service/src/http/json.ts#parseJson", BODY, '{"uri": "https://example.com/"},\n', (text) =>
    parseJson(Buffer.from(text), 32),
  ),
  reader("service/src/http/json.ts#parseJson text", BODY, SENTENCE, (text) =>
    parseJson(Buffer.from(JSON.stringify([text])), 32),
  ),
  reader("service/src/http/read-head.ts#readHead target", HEAD, "segment/", (text) => headOf(`/${text}`)),
  reader("service/src/http/read-head.ts#readHead absolute", HEAD, "name.", (text) =>
    headOf(`http://${text}`),
  ),
  reader("service/src/http/read-head.ts#readHead Host", HEAD, "name.", (text) => headOf("/", ["Host", text])),
  reader("service/src/http/read-head.ts#readHead lines", HEAD, "name1val", (text) =>
    headOf("/", manyLines(text)),
  ),
  reader("service/src/http/framing.ts#readFraming", HEAD, "chunked", (text) =>
    readFraming({ codings: 1, coding: text, length: undefined }, "1.1"),
  ),
  reader("service/src/http/upgrade.ts#readUpgrade", HEAD, "websocket, ", (text) =>
    readUpgrade({ upgrade: text }, "1.1"),
  ),
  reader("service/src/pem.ts#parsePrivateKey", 64 * KIB, PEM, parsePrivateKey),
  reader("service/src/tls/subject-alt-name.ts#certifiedName", HEAD, "name.example", toSubjectAltName),
];
