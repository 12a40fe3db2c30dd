import { parseRejectedSpans } from "../../../src/commands/traces/collector.ts";
import { makePrivate, buildResponseHead } from "../../../src/invocation/response-head.ts";
import type { SentRequest } from "../../../src/invocation/reference-filter.ts";
import { readHandshake } from "../../../src/invocation/websocket/handshake.ts";
import { buildSwitchHead } from "../../../src/invocation/websocket/switch-head.ts";
import { preparedTarget } from "../../../../testkit/src/fixtures.ts";
import type { Reader } from "./reader.ts";
import { HEAD, KIB, SENTENCE, manyLines, reader } from "./reader.ts";
import { signedTarget } from "./targets.ts";

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

const UPGRADE = ["Connection", "Upgrade", "Upgrade", "websocket"];

/** A handshake with one more line. */
function handshakeWith(field: string, text: string): Parameters<typeof readHandshake>[0] {
  const key = ["Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="];
  return { method: "GET", body: { kind: "none" }, rawHeaders: [...UPGRADE, ...key, field, text] };
}

/** What an invocation reads of a target's response, and of a handshake. */
export const RESPONSE_READERS: readonly Reader[] = [
  reader(
    "service/src/commands/traces/collector.ts#parseRejectedSpans",
    64 * KIB,
    '{"partialSuccess":{}}',
    parseRejectedSpans,
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
];
