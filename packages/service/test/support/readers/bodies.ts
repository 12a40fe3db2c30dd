import {
  parseAcceptedResponse,
  parseExportResponse,
  parseMembraneResponse,
  parseQueryResponse,
} from "../../../../protocol/src/api/responses.ts";
import { parseCreateRequest, parseProvisionRequest } from "../../../../protocol/src/api/create.ts";
import { parseExportRequest } from "../../../../protocol/src/api/export.ts";
import { parseQueryFields, parseQueryRequest } from "../../../../protocol/src/api/query.ts";
import { parseTargetHeaders } from "../../../../protocol/src/api/target-headers.ts";
import { parseHmac } from "../../../../protocol/src/api/target-hmac.ts";
import { parseTls } from "../../../../protocol/src/api/target-tls.ts";
import { parseTargetUri } from "../../../../protocol/src/api/target-uri.ts";
import { findRepeatedName, measureJson } from "../../../../protocol/src/json/shape.ts";
import { parseLimits } from "../../../../protocol/src/limits/parse-limits.ts";
import { parseLabel } from "../../../../protocol/src/api/label.ts";
import { canonicalizePath } from "../../../../protocol/src/openings/path.ts";
import {
  matchesPathPattern,
  parsePathPattern,
  splitPath,
} from "../../../../protocol/src/limits/path-pattern.ts";
import { readTarget1Uri } from "../../../src/store/upgrades/target-1-bounds.ts";
import type { Reader } from "./reader.ts";
import { BODY, FILE, HEAD, PEM, SENTENCE, pieces, reader } from "./reader.ts";
import { AWS4 } from "./targets.ts";

const starPattern = parsePathPattern(`${"/*".repeat(1_000)}/**`);

/** Parsers of the bodies that exporters and other services send, and of their fields. */
export const BODY_READERS: readonly Reader[] = [
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
  reader("protocol/src/json/shape.ts#findRepeatedName", BODY, '{"uri": "a", "b": {"c": []}},\n', (text) =>
    findRepeatedName(text),
  ),
  reader("protocol/src/json/shape.ts#findRepeatedName names", BODY, "name", (text) =>
    findRepeatedName(JSON.stringify({ [text]: 1, [`${text}"`]: 2 })),
  ),
  reader("protocol/src/json/shape.ts#measureJson", BODY, '{"uri": "a"},\n', (text) => measureJson(text)),
];
