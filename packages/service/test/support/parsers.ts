import {
  parseAcceptedResponse,
  parseExportResponse,
  parseMembraneResponse,
  parseQueryResponse,
} from "../../../protocol/src/api/responses.ts";
import { parseCreateRequest, parseProvisionRequest } from "../../../protocol/src/api/create.ts";
import { parseExportRequest } from "../../../protocol/src/api/export.ts";
import { parseMembraneOperation } from "../../../protocol/src/operation.ts";
import { parseQueryFields, parseQueryRequest } from "../../../protocol/src/api/query.ts";
import { parseTargetHeaders } from "../../../protocol/src/api/target-headers.ts";
import { parseHmac } from "../../../protocol/src/api/target-hmac.ts";
import { parseTls } from "../../../protocol/src/api/target-tls.ts";
import { parseTargetUri } from "../../../protocol/src/api/target-uri.ts";
import { parseAddress, parseCidr } from "../../../protocol/src/address.ts";
import { parseAuthority } from "../../../protocol/src/authority.ts";
import { decodeBase64url } from "../../../protocol/src/base64url.ts";
import { isFieldValue, isToken, parseMethod, trimFieldValue } from "../../../protocol/src/http-syntax.ts";
import { findRepeatedName, measureJson } from "../../../protocol/src/json/shape.ts";
import { parseLimits } from "../../../protocol/src/limits/parse-limits.ts";
import { parseLabel } from "../../../protocol/src/api/label.ts";
import { canonicalizePath } from "../../../protocol/src/openings/path.ts";
import {
  matchesPathPattern,
  parsePathPattern,
  splitPath,
} from "../../../protocol/src/limits/path-pattern.ts";
import { printableName } from "../../../protocol/src/result.ts";
import * as aws4 from "../../../protocol/src/signers/aws4-canonical.ts";
import { checkAws4Query } from "../../../protocol/src/signers/aws4-hmac-sha256.ts";
import { checkS3Query } from "../../../protocol/src/signers/s3-query.ts";
import * as cap1 from "../../../protocol/src/signers/cap1-canonical.ts";
import { groupHeaders } from "../../../protocol/src/signers/header-fields.ts";
import { removeDotSegments } from "../../../protocol/src/signers/remove-dot-segments.ts";
import { parseToken } from "../../../protocol/src/token.ts";
import { parseCapabilityUri } from "../../../protocol/src/uri.ts";
import { parseCertificates } from "../../../sdk/src/pem.ts";
import { readJsonBody } from "../../../sdk/src/buffered-response.ts";
import { readTrust } from "../../../sdk/src/trust.ts";
import { parseResolvable } from "../../../cli/src/capability/resolvable.ts";
import { readHeaderLines } from "../../../cli/src/commands/options/header-line.ts";
import { parseArgs } from "../../../cli/src/parse/parse-args.ts";
import { replaceFieldWithOption } from "../../../cli/src/errors/field-option.ts";
import { isPrintable, shellWord } from "../../../cli/src/shell.ts";
import { sanitize } from "../../../cli/src/terminal.ts";
import { parseAllowTarget, parsePort } from "../../src/egress/allow-rule.ts";
import { canonicalName, parseHosts } from "../../src/egress/hosts-file.ts";
import { createEgressPolicy } from "../../src/egress/policy.ts";
import { parseBasic } from "../../src/http/basic.ts";
import type { Carrier } from "../../src/invocation/carrier.ts";
import { parseRequestId } from "../../src/http/request-id.ts";
import { parsePeerAddress } from "../../src/net/peer-address.ts";
import { clientAddress } from "../../src/http/client-address.ts";
import { parseJson } from "../../src/http/json.ts";
import { takeToken } from "../../src/http/carriers.ts";
import { readHead } from "../../src/http/read-head.ts";
import { makePrivate, buildResponseHead } from "../../src/invocation/response-head.ts";
import { AwsChunkedReader } from "../../src/invocation/aws-chunked/reader.ts";
import { reframeHeaders } from "../../src/invocation/aws-chunked/reframed-headers.ts";
import type { SentRequest } from "../../src/invocation/reference-filter.ts";
import { readHandshake } from "../../src/invocation/websocket/handshake.ts";
import { buildSwitchHead } from "../../src/invocation/websocket/switch-head.ts";
import { authorize } from "../../src/invocation/authorize.ts";
import { forbiddenKey } from "../../src/invocation/credential-names.ts";
import { connectionOptions } from "../../src/invocation/header-rules.ts";
import { addHop } from "../../src/invocation/loop-detection.ts";
import { groupHeaderLines } from "../../src/invocation/limits/header-limit.ts";
import { decodeMcpValue } from "../../src/invocation/limits/mcp-headers.ts";
import { parseQueryPairs } from "../../src/invocation/query-pairs.ts";
import { openQuery } from "../../src/invocation/openings/query-opening.ts";
import { shape } from "../../src/invocation/shape.ts";
import { planPayload, sign } from "../../src/invocation/sign.ts";
import { parsePrivateKey } from "../../src/pem.ts";
import type { PreparedTarget } from "../../src/invocation/prepared-target.ts";
import { preparedTarget, clientConnection, requestHeadOf } from "../../../testkit/src/fixtures.ts";
import { readTarget1Uri } from "../../src/store/upgrades/target-1-bounds.ts";
import { toSubjectAltName } from "../../src/tls/subject-alt-name.ts";

/** A function that parses a text of a client, target or other sender. */
export interface Reader {
  /** File and function, as `package/src/file#function`; after a blank, the part of the input that is the sender's text. */
  readonly name: string;
  /** The longest text that the function gets, in characters. */
  readonly longest: number;
  /** Parses the text; the result, or an exception, does not matter. */
  readonly read: (text: string) => unknown;
  /** A valid text, which is repeated up to any length. */
  readonly benign: string;
}

const KIB = 1024;
/** The limit of heads of requests and responses, `--header-bytes`. */
const HEAD = 16 * KIB;
/** A quarter of `--management-body-bytes`, which is enough to find non-linear time. */
const BODY = 256 * KIB;
/** The size of responses and files. */
const FILE = 128 * KIB;

const SENTENCE = "The quick brown fox jumps over the lazy dog. ";
const PEM = "-----BEGIN CERTIFICATE-----\nTUlJQg==\n-----END CERTIFICATE-----\n";
const AWS4 = { awsAccessKeyId: "AKID", region: "us-east-1", service: "s3", secretAccessKey: "secret" };
const CAP1_CANONICAL = "protocol/src/signers/cap1-canonical.ts";

const policy = createEgressPolicy({
  allow: [],
  ownEndpoints: () => [],
  localAddresses: () => [],
  ownAuthorities: [],
});
const everyAddress = [parseCidr("0.0.0.0/0")!];
const openTarget = preparedTarget({ uri: "https://example.com/", allowQuery: true });
const signedTarget = preparedTarget({
  uri: "https://example.com/",
  allowQuery: true,
  hmac: { "aws4-hmac-sha256": AWS4 },
});
const cap1Target = preparedTarget({
  uri: "https://example.com/",
  allowQuery: true,
  hmac: { "cap1-hmac-sha512": { key: "abcd", keyId: "k" } },
});
const starPattern = parsePathPattern(`${"/*".repeat(1_000)}/**`);
const COMMANDS = [
  {
    name: "request",
    options: {
      header: { takes: "secret", repeats: true, short: "H", describe: "" },
      include: { takes: "switch", short: "i", describe: "" },
    },
  },
] as const;

/** A request of a client that follows redirects with its token. */
const ASKED: SentRequest = {
  target: signedTarget,
  path: "/",
  clientHeaders: ["User-Agent", "Wget/1.21"],
  carrier: "authorization",
  ownOrigin: "https://membrane.test",
};

/** A request to a target whose references are rewritten. */
const ASKED_OPEN: SentRequest = {
  ...ASKED,
  target: preparedTarget({
    uri: "https://example.com/?a=b",
    allowPath: true,
    allowQuery: true,
    encodedSlash: true,
    emptySegments: true,
  }),
  path: "/segment?a=b",
};

/** An aws-chunked body of any length, and its headers. */
const FRAMING = { decodedLength: Number.MAX_SAFE_INTEGER, isSigned: false, trailerNames: [] };
const CHUNKS = [
  ["X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"],
  ["X-Amz-Decoded-Content-Length", "1"],
].flat();

/** Splits a text into pieces, as if each arrived separately. */
function pieces(text: string, length: number): readonly string[] {
  return Array.from({ length: Math.ceil(text.length / length) }, (_, at) =>
    text.slice(at * length, (at + 1) * length),
  );
}

/** Makes many short header lines from the text. */
function manyLines(text: string): string[] {
  return pieces(text, 8).flatMap((piece) => [piece.slice(0, 4), piece.slice(4)]);
}

function headOf(url: string, rawHeaders: string[] = ["Host", "a"]): unknown {
  const request = { method: "GET", url, httpVersion: "1.1", rawHeaders, socket: clientConnection() };
  return readHead(request, { isOwn: () => true, trustedProxies: [] });
}

function takeFrom(carrier: Carrier, value: string): unknown {
  const request = { rawHeaders: [carrier, value], socket: clientConnection() };
  return takeToken(request, [{ carrier, index: 0 }], { trustedProxies: [], isUpgrade: true });
}

const UPGRADE = ["Connection", "Upgrade", "Upgrade", "websocket"];

/** A handshake with one more line. */
function handshakeWith(field: string, text: string): Parameters<typeof readHandshake>[0] {
  const key = ["Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="];
  return { method: "GET", body: { kind: "none" }, rawHeaders: [...UPGRADE, ...key, field, text] };
}

function reader(name: string, longest: number, benign: string, read: Reader["read"]): Reader {
  return { name, longest, benign, read };
}

/** Shapes a request, and signs it unless it is refused. */
function shapeAndSign(target: PreparedTarget, query: string, rawHeaders: readonly string[]): unknown {
  const head = requestHeadOf({ query, rawHeaders });
  const uri = authorize(target, head);
  const plan = planPayload(target, head);
  if (!uri.ok || plan.kind === "refused") return undefined;
  const shaped = shape(target, head, uri.value, plan, []);
  return shaped.ok && sign(target, shaped.value, "x", [], () => new Date(0));
}

/** Every parser of what clients, exporters, targets, other services and files send. */
export const READERS: readonly Reader[] = [
  // protocol
  ...(["id", "uri", "method", "capability"] as const).map((field) =>
    reader(`protocol/src/api/export.ts#parseExportRequest ${field}`, BODY, "https://example.com/a", (text) =>
      parseExportRequest({ [field]: text }),
    ),
  ),
  reader("protocol/src/api/export.ts#parseExportRequest fields", BODY, SENTENCE, (text) =>
    parseExportRequest({
      uri: "https://example.com/",
      ...Object.fromEntries(pieces(text, 8).map((name) => [name, 1])),
    }),
  ),
  reader("protocol/src/api/create.ts#parseCreateRequest", BODY, SENTENCE, (text) =>
    parseCreateRequest({ id: text }),
  ),
  reader("protocol/src/api/create.ts#parseProvisionRequest", BODY, SENTENCE, (text) =>
    parseProvisionRequest({ id: text }),
  ),
  reader(
    "protocol/src/api/query.ts#parseQueryRequest",
    HEAD,
    "id=one&lastId=two&limit=3&",
    parseQueryRequest,
  ),
  reader("protocol/src/api/query.ts#parseQueryRequest id", HEAD, "name%20of", (text) =>
    parseQueryRequest(`id=${text}`),
  ),
  reader("protocol/src/api/query.ts#parseQueryRequest limit", HEAD, "1234567890", (text) =>
    parseQueryRequest(`limit=${text}`),
  ),
  reader("protocol/src/api/query.ts#parseQueryFields", BODY, SENTENCE, (text) =>
    parseQueryFields({ lastId: text }),
  ),
  reader("protocol/src/api/target-headers.ts#parseTargetHeaders value", BODY, SENTENCE, (text) =>
    parseTargetHeaders({ "x-a": text }),
  ),
  reader("protocol/src/api/target-headers.ts#parseTargetHeaders name", BODY, "x-name", (text) =>
    parseTargetHeaders({ [text]: "value" }),
  ),
  reader("protocol/src/api/target-headers.ts#parseTargetHeaders many", BODY, "abcdefgh-name0", (text) =>
    parseTargetHeaders(Object.fromEntries(pieces(text, 8).map((name) => [name, "value"]))),
  ),
  ...(["awsAccessKeyId", "region", "service", "secretAccessKey", "sessionToken"] as const).map((field) =>
    reader(`protocol/src/api/target-hmac.ts#parseHmac ${field}`, BODY, "us-east-1", (text) =>
      parseHmac({ "aws4-hmac-sha256": { ...AWS4, [field]: text } }),
    ),
  ),
  ...(["key", "keyId"] as const).map((field) =>
    reader(`protocol/src/api/target-hmac.ts#parseHmac ${field}`, BODY, "Vm9n", (text) =>
      parseHmac({ "cap1-hmac-sha512": { key: "abcd", keyId: "k", [field]: text } }),
    ),
  ),
  ...(["ca", "cert", "key"] as const).map((field) =>
    reader(`protocol/src/api/target-tls.ts#parseTls ${field}`, BODY, PEM, (text) =>
      parseTls({ [field]: text }),
    ),
  ),
  reader(
    "protocol/src/api/target-uri.ts#parseTargetUri",
    BODY,
    "https://example.com/a/b?c=d",
    parseTargetUri,
  ),
  reader("protocol/src/api/target-uri.ts#parseTargetUri host", BODY, "name.", (text) =>
    parseTargetUri(`https://${text}/`),
  ),
  reader("protocol/src/api/target-uri.ts#parseTargetUri path", BODY, "segment/", (text) =>
    parseTargetUri(`https://example.com/${text}`),
  ),
  reader("protocol/src/api/target-uri.ts#parseTargetUri query", BODY, "key=value&", (text) =>
    parseTargetUri(`https://example.com/?${text}`),
  ),
  reader(
    "service/src/store/upgrades/target-1-bounds.ts#readTarget1Uri",
    BODY,
    "https://example.com/a/b?c=d",
    readTarget1Uri,
  ),
  reader("protocol/src/api/responses.ts#parseExportResponse", FILE, "cpblty://example.com/#", (text) =>
    parseExportResponse({ capability: text }),
  ),
  reader("protocol/src/api/responses.ts#parseMembraneResponse", FILE, SENTENCE, (text) =>
    parseMembraneResponse({ id: text, capabilities: { export: text, revoke: text } }),
  ),
  reader("protocol/src/api/responses.ts#parseQueryResponse", FILE, SENTENCE, (text) =>
    parseQueryResponse({
      completed: true,
      membranes: pieces(text, 8).map((id) => ({ id, capabilities: {} })),
    }),
  ),
  reader("protocol/src/api/responses.ts#parseAcceptedResponse", FILE, SENTENCE, (text) =>
    parseAcceptedResponse({ statusCode: 202, message: text }),
  ),
  reader("protocol/src/operation.ts#parseMembraneOperation", HEAD, "delete-self", parseMembraneOperation),
  reader("protocol/src/authority.ts#parseAuthority", BODY, "name.example", parseAuthority),
  reader("protocol/src/base64url.ts#decodeBase64url", HEAD, "Vm9n", decodeBase64url),
  reader("protocol/src/http-syntax.ts#parseMethod", BODY, "GET", parseMethod),
  reader("protocol/src/http-syntax.ts#isToken", BODY, "x-name", isToken),
  reader("protocol/src/http-syntax.ts#isFieldValue", BODY, SENTENCE, isFieldValue),
  reader("protocol/src/http-syntax.ts#trimFieldValue", BODY, SENTENCE, trimFieldValue),
  reader("protocol/src/openings/path.ts#canonicalizePath", HEAD, "/segment%20one", (text) =>
    canonicalizePath(`/${text}`, { encodedSlash: true, emptySegments: true }),
  ),
  ...(["paths", "methods", "clientCidrs"] as const).map((field) =>
    reader(`protocol/src/limits/parse-limits.ts#parseLimits ${field}`, BODY, "/segment", (text) =>
      parseLimits({ [field]: [`/${text}`] }),
    ),
  ),
  ...(["query", "headers"] as const).map((field) =>
    reader(`protocol/src/limits/parse-limits.ts#parseLimits ${field}`, BODY, "name", (text) =>
      parseLimits({ [field]: { [text]: [text] } }),
    ),
  ),
  reader("protocol/src/limits/parse-limits.ts#parseLimits many", HEAD, "name-one", (text) =>
    parseLimits({ requests: pieces(text, 8).map((name) => ({ query: { [name]: [name] } })) }),
  ),
  reader("protocol/src/limits/parse-limits.ts#parseLimits expiresAt", BODY, "2030-01-31T12:00:00Z", (text) =>
    parseLimits({ expiresAt: text }),
  ),
  reader("protocol/src/api/label.ts#parseLabel", BODY, SENTENCE, (text) => parseLabel(text, "label")),
  reader("protocol/src/limits/path-pattern.ts#parsePathPattern", BODY, "/segment/*", parsePathPattern),
  reader("protocol/src/limits/path-pattern.ts#splitPath", HEAD, "/segment%2Fone", (text) => {
    const path = canonicalizePath(`/${text}`, { encodedSlash: true, emptySegments: true });
    return path.ok && splitPath(path.value);
  }),
  reader("protocol/src/limits/path-pattern.ts#matchesPathPattern", HEAD, "/segment%2Fone", (text) => {
    const path = canonicalizePath(`/${text}`, { encodedSlash: true, emptySegments: true });
    return path.ok && starPattern.ok && matchesPathPattern(starPattern.value, splitPath(path.value));
  }),
  reader("protocol/src/result.ts#printableName", BODY, SENTENCE, printableName),
  reader("protocol/src/token.ts#parseToken", HEAD, "CPBLTY1-Vm9n", parseToken),
  reader(
    "protocol/src/uri.ts#parseCapabilityUri",
    BODY,
    "cpblty://example.com/#CPBLTY1-Vm9n",
    parseCapabilityUri,
  ),
  reader("protocol/src/uri.ts#parseCapabilityUri authority", BODY, "name.example", (text) =>
    parseCapabilityUri(`cpblty://${text}/#CPBLTY1-`),
  ),
  reader("protocol/src/uri.ts#parseCapabilityUri key", BODY, "Vm9n", (text) =>
    parseCapabilityUri(`cpblty:${text}@scheme:CPBLTY1-`),
  ),
  reader("protocol/src/signers/aws4-canonical.ts#canonicalQuery", HEAD, "key=value1&", aws4.canonicalQuery),
  reader("protocol/src/signers/aws4-canonical.ts#canonicalUri", HEAD, "/segment%20one", (text) =>
    aws4.canonicalUri("lambda", text),
  ),
  reader("protocol/src/signers/aws4-canonical.ts#wirePath", HEAD, "/segment%20one", (text) =>
    aws4.wirePath("s3", text),
  ),
  reader("protocol/src/signers/aws4-canonical.ts#canonicalHeaders", HEAD, SENTENCE, (text) =>
    aws4.canonicalHeaders([{ lowerCaseName: "x-a", values: [text] }]),
  ),
  reader("protocol/src/signers/aws4-hmac-sha256.ts#checkAws4Query", HEAD, "key=value1&", (text) =>
    checkAws4Query("lambda", text, "GET"),
  ),
  reader("protocol/src/signers/aws4-canonical.ts#canonicalKeys", HEAD, "key=value1&", aws4.canonicalKeys),
  reader("protocol/src/signers/s3-query.ts#checkS3Query", HEAD, "prefix=value1&", (text) =>
    checkS3Query(text, "GET"),
  ),
  reader(`${CAP1_CANONICAL}#checkCap1Query`, HEAD, "key=value1&", cap1.checkCap1Query),
  reader(`${CAP1_CANONICAL}#checkCap1Path`, HEAD, "/segment%20one", cap1.checkCap1Path),
  reader(`${CAP1_CANONICAL}#canonicalQuery`, HEAD, "key=value1&", cap1.canonicalQuery),
  reader(`${CAP1_CANONICAL}#canonicalUri`, HEAD, "/segment%20one", cap1.canonicalUri),
  reader(`${CAP1_CANONICAL}#canonicalHeaders`, HEAD, SENTENCE, (text) =>
    cap1.canonicalHeaders([{ lowerCaseName: "x-a", values: [text] }]),
  ),
  reader("protocol/src/signers/header-fields.ts#groupHeaders", HEAD, "name1val", (text) =>
    groupHeaders(manyLines(text), () => true),
  ),
  reader(
    "protocol/src/signers/remove-dot-segments.ts#removeDotSegments",
    HEAD,
    "/segment",
    removeDotSegments,
  ),
  // sdk
  reader("sdk/src/pem.ts#parseCertificates", 64 * KIB, PEM, parseCertificates),
  reader("sdk/src/buffered-response.ts#readJsonBody", FILE, SENTENCE, (text) =>
    readJsonBody({ status: 200, reason: "OK", text }),
  ),
  reader("sdk/src/buffered-response.ts#readJsonBody message", FILE, SENTENCE, (text) =>
    readJsonBody({
      status: 400,
      reason: text,
      text: JSON.stringify({ message: text, error: text, code: text }),
    }),
  ),
  reader("sdk/src/trust.ts#readTrust", FILE, "name.example", (text) =>
    readTrust({ tls: { trustedCA: { [text]: PEM } } }),
  ),
  // cli
  reader("cli/src/capability/resolvable.ts#parseResolvable", FILE, "cpblty://example.com/#", parseResolvable),
  reader("cli/src/capability/resolvable.ts#parseResolvable token", FILE, "Vm9n", (text) =>
    parseResolvable(`CPBLTY1-${text}`),
  ),
  reader("cli/src/commands/options/header-line.ts#readHeaderLines", FILE, "X-Name: value\n", (text) =>
    readHeaderLines([text]),
  ),
  reader("cli/src/commands/options/header-line.ts#readHeaderLines value", FILE, SENTENCE, (text) =>
    readHeaderLines([`X-Name: ${text}`]),
  ),
  reader("cli/src/parse/parse-args.ts#parseArgs", FILE, "word", (text) => parseArgs([text], COMMANDS)),
  reader("cli/src/parse/parse-args.ts#parseArgs short", FILE, "i", (text) =>
    parseArgs([`-${text}`], COMMANDS),
  ),
  reader("cli/src/parse/parse-args.ts#parseArgs many", FILE, "X-Name: value", (text) =>
    parseArgs(
      pieces(text, 8).flatMap((value) => ["-H", value]),
      COMMANDS,
    ),
  ),
  reader("cli/src/errors/field-option.ts#replaceFieldWithOption", FILE, "tls.ca: expected PEM ", (text) =>
    replaceFieldWithOption(text, { right: "export" }),
  ),
  reader("cli/src/errors/field-option.ts#replaceFieldWithOption header", FILE, "x-name", (text) =>
    replaceFieldWithOption(`headers.${text}`, { right: "export" }),
  ),
  reader("cli/src/shell.ts#shellWord", FILE, "word", shellWord),
  reader("cli/src/shell.ts#isPrintable", FILE, SENTENCE, isPrintable),
  reader("cli/src/terminal.ts#sanitize", FILE, SENTENCE, sanitize),
  // service
  reader("protocol/src/address.ts#parseAddress", HEAD, "2001:db8:", parseAddress),
  reader("protocol/src/address.ts#parseCidr", HEAD, "10.0.0.0/8", parseCidr),
  reader("service/src/egress/allow-rule.ts#parseAllowTarget", HEAD, "10.0.0.0/8", parseAllowTarget),
  reader("service/src/egress/allow-rule.ts#parsePort", HEAD, "443", parsePort),
  reader("service/src/egress/hosts-file.ts#parseHosts", FILE, "127.0.0.1 name alias # comment\n", parseHosts),
  reader("service/src/egress/hosts-file.ts#canonicalName", FILE, "name.example", canonicalName),
  reader("service/src/egress/policy.ts#checkHost", BODY, "name.example", (text) =>
    policy.checkHost({ ...openTarget.origin, hostname: text }),
  ),
  reader("service/src/http/basic.ts#parseBasic", HEAD, "dXNlcjpwYXNz", parseBasic),
  reader("service/src/http/carriers.ts#takeToken", HEAD, "Bearer CPBLTY1-Vm9n", (text) =>
    takeFrom("authorization", text),
  ),
  reader("service/src/http/carriers.ts#takeToken Basic", HEAD, "user:pass", (text) =>
    takeFrom("authorization", `Basic ${Buffer.from(text).toString("base64")}`),
  ),
  reader("service/src/http/carriers.ts#takeToken key", HEAD, "CPBLTY1-Vm9n", (text) =>
    takeFrom("x-api-key", text),
  ),
  reader(
    "service/src/http/carriers.ts#takeToken protocols",
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
  reader("protocol/src/json/shape.ts#findRepeatedName", BODY, '{"uri": "a", "b": {"c": []}},\n', (text) =>
    findRepeatedName(text),
  ),
  reader("protocol/src/json/shape.ts#findRepeatedName names", BODY, "name", (text) =>
    findRepeatedName(JSON.stringify({ [text]: 1, [`${text}"`]: 2 })),
  ),
  reader("protocol/src/json/shape.ts#measureJson", BODY, '{"uri": "a"},\n', (text) => measureJson(text)),
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
  ...["Connection", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"].map((field) =>
    reader(`service/src/invocation/websocket/handshake.ts#readHandshake ${field}`, HEAD, "one, ", (text) =>
      readHandshake(handshakeWith(field, text)),
    ),
  ),
  reader("service/src/invocation/websocket/handshake.ts#extensionsOf", HEAD, "one, ", (text) =>
    buildSwitchHead(
      [...UPGRADE, "Sec-WebSocket-Accept", "accept", "Sec-WebSocket-Extensions", text],
      { accept: "accept", protocols: new Set(), extensions: new Set([...text, "one"]) },
      false,
    ),
  ),
  reader("service/src/invocation/response-head.ts#makePrivate", HEAD, "max-age=60, ", makePrivate),
  reader("service/src/invocation/response-head.ts#buildResponseHead", HEAD, SENTENCE, (text) =>
    buildResponseHead(200, "OK", ["X-A", text, "Transfer-Encoding", text], [], ASKED),
  ),
  reader("service/src/invocation/response-head.ts#buildResponseHead lines", HEAD, "name1val", (text) =>
    buildResponseHead(200, "OK", manyLines(text), [], ASKED),
  ),
  reader("service/src/invocation/references.ts#mapLinks", HEAD, '</next>; rel="next", ', (text) =>
    buildResponseHead(200, "OK", ["Link", text], [], ASKED),
  ),
  reader("service/src/invocation/references.ts#resolveBelowBase", HEAD, "segment/", (text) =>
    buildResponseHead(302, "Found", ["Location", text, "Link", `<${text}>`], [], ASKED),
  ),
  reader("service/src/invocation/references.ts#keepsAuthority", HEAD, "segment/", (text) =>
    buildResponseHead(201, "Created", ["Location", text, "Operation-Location", `/${text}`], [], ASKED),
  ),
  reader("service/src/invocation/reference-filter.ts#mapField", HEAD, "12345678", (text) =>
    buildResponseHead(200, "OK", ["Refresh", text, "X-Goog-Upload-URL", `?${text}`], [], ASKED_OPEN),
  ),
  reader("service/src/invocation/rewrite-reference.ts#rewriteReference path", HEAD, "segment/", (text) =>
    buildResponseHead(302, "Found", ["Location", `/${text}`], [], ASKED_OPEN),
  ),
  reader("service/src/invocation/rewrite-reference.ts#rewriteReference query", HEAD, "k=v&a=b&", (text) =>
    buildResponseHead(302, "Found", ["Location", `?${text}`], [], ASKED_OPEN),
  ),
  reader(
    "service/src/invocation/rewrite-reference.ts#rewriteReference links",
    HEAD,
    '</n?a=b>; rel="next", ',
    (text) => buildResponseHead(200, "OK", ["Link", text], [], ASKED_OPEN),
  ),
  reader("service/src/invocation/credential-names.ts#forbiddenKey", HEAD, "key1=value1&", (text) =>
    forbiddenKey(text, new Set(["a"]), { carriesCredential: true }),
  ),
  ...([new Set<string>(["key"]), "refuse"] as const).map((queryOpening) =>
    reader(
      `service/src/invocation/openings/query-opening.ts#openQuery ${typeof queryOpening}`,
      HEAD,
      "key=value1&",
      (text) => openQuery({ ...signedTarget, queryOpening }, text, "GET"),
    ),
  ),
  reader("service/src/invocation/header-rules.ts#connectionOptions", HEAD, "keep-alive, ", (text) =>
    connectionOptions(["Connection", text]),
  ),
  reader("service/src/invocation/loop-detection.ts#addHop", HEAD, "1.1 proxy, ", (text) =>
    addHop(requestHeadOf({ rawHeaders: ["Via", text, "CDN-Loop", text] }), "id"),
  ),
  reader("service/src/invocation/query-pairs.ts#parseQueryPairs", HEAD, "key=value1&", parseQueryPairs),
  reader("service/src/invocation/limits/header-limit.ts#groupHeaderLines", HEAD, "name1val", (text) =>
    groupHeaderLines(manyLines(text)),
  ),
  reader("service/src/invocation/limits/mcp-headers.ts#decodeMcpValue", HEAD, "c2VhcmNo", (text) =>
    decodeMcpValue(`=?base64?${text}?=`),
  ),
  reader("service/src/invocation/shape.ts#shape", HEAD, "name1val", (text) =>
    shapeAndSign(openTarget, "", ["Connection", text, ...manyLines(text)]),
  ),
  reader(
    "protocol/src/signers/aws4-chunked.ts#parseAwsChunkedFraming trailer",
    HEAD,
    "x-amz-checksum-a,",
    (text) =>
      planPayload(
        signedTarget,
        requestHeadOf({ body: { kind: "chunked" }, rawHeaders: [...CHUNKS, "X-Amz-Trailer", text] }),
      ),
  ),
  reader("service/src/invocation/aws-chunked/reader.ts#AwsChunkedReader chunks", FILE, "1\r\na\r\n", (text) =>
    new AwsChunkedReader(FRAMING, "content").read(Buffer.from(text, "latin1")),
  ),
  reader("service/src/invocation/aws-chunked/reader.ts#AwsChunkedReader trailers", FILE, "a:b\r\n", (text) =>
    new AwsChunkedReader({ ...FRAMING, decodedLength: 0 }, "content").read(
      Buffer.from(`0\r\n${text}`, "latin1"),
    ),
  ),
  reader(
    "service/src/invocation/aws-chunked/reframed-headers.ts#reframeHeaders",
    HEAD,
    "aws-chunked,",
    (text) =>
      reframeHeaders(signedTarget, ["Content-Encoding", text], FRAMING, "content", { kind: "chunked" }),
  ),
  reader("service/src/invocation/sign.ts#sign aws4 query", HEAD, "key=value1&", (text) =>
    shapeAndSign(signedTarget, text, []),
  ),
  reader("service/src/invocation/sign.ts#sign cap1 query", HEAD, "key=value1&", (text) =>
    shapeAndSign(cap1Target, text, []),
  ),
  reader("service/src/invocation/sign.ts#sign aws4 lines", HEAD, "name1val", (text) =>
    shapeAndSign(signedTarget, "", manyLines(text)),
  ),
  reader("service/src/invocation/sign.ts#sign cap1 lines", HEAD, "name1val", (text) =>
    shapeAndSign(cap1Target, "", manyLines(text)),
  ),
  reader("service/src/invocation/sign.ts#sign cap1 value", HEAD, SENTENCE, (text) =>
    shapeAndSign(cap1Target, "", ["x-a", text]),
  ),
  reader("service/src/pem.ts#parsePrivateKey", 64 * KIB, PEM, parsePrivateKey),
  reader("service/src/tls/subject-alt-name.ts#certifiedName", HEAD, "name.example", toSubjectAltName),
];
