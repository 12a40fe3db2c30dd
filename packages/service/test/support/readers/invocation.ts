import { AwsChunkedReader } from "../../../src/invocation/aws-chunked/reader.ts";
import { reframeHeaders } from "../../../src/invocation/aws-chunked/reframed-headers.ts";
import { forbiddenKey } from "../../../src/invocation/credential-names.ts";
import { connectionOptions } from "../../../src/invocation/header-rules.ts";
import { addHop } from "../../../src/invocation/loop-detection.ts";
import { groupHeaderLines } from "../../../src/invocation/limits/header-limit.ts";
import { decodeMcpValue } from "../../../src/invocation/limits/mcp-headers.ts";
import { parseQueryPairs } from "../../../src/invocation/query-pairs.ts";
import { openQuery } from "../../../src/invocation/openings/query-opening.ts";
import { requestHeadOf } from "../../../../testkit/src/fixtures.ts";
import type { Reader } from "./reader.ts";
import { FILE, HEAD, manyLines, reader } from "./reader.ts";
import { openTarget, shapeAndSign, signedTarget } from "./targets.ts";

/** An aws-chunked body of any length, and its headers. */
const FRAMING = { decodedLength: Number.MAX_SAFE_INTEGER, isSigned: false, trailerNames: [] };

/** What an invocation reads of its request. */
export const INVOCATION_READERS: readonly Reader[] = [
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
];
