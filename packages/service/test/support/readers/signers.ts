import * as aws4 from "../../../../protocol/src/signers/aws4-canonical.ts";
import { checkAws4Query } from "../../../../protocol/src/signers/aws4-hmac-sha256.ts";
import { checkS3Query } from "../../../../protocol/src/signers/s3-query.ts";
import * as cap1 from "../../../../protocol/src/signers/cap1-canonical.ts";
import { groupHeaders } from "../../../../protocol/src/signers/header-fields.ts";
import { removeDotSegments } from "../../../../protocol/src/signers/remove-dot-segments.ts";
import { planPayload } from "../../../src/invocation/sign.ts";
import { preparedTarget, requestHeadOf } from "../../../../testkit/src/fixtures.ts";
import type { Reader } from "./reader.ts";
import { HEAD, SENTENCE, manyLines, reader } from "./reader.ts";
import { shapeAndSign, signedTarget } from "./targets.ts";

const CAP1_CANONICAL = "protocol/src/signers/cap1-canonical.ts";

const cap1Target = preparedTarget({
  uri: "https://example.com/",
  allowQuery: true,
  hmac: { "cap1-hmac-sha512": { key: "abcd", keyId: "k" } },
});

const CHUNKS = [
  ["X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"],
  ["X-Amz-Decoded-Content-Length", "1"],
].flat();

/** What a signature reads of a request. */
export const SIGNER_READERS: readonly Reader[] = [
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
    groupHeaders(manyLines(text), [], () => true),
  ),
  reader(
    "protocol/src/signers/remove-dot-segments.ts#removeDotSegments",
    HEAD,
    "/segment",
    removeDotSegments,
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
];
