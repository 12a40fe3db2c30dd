import { expect, test } from "vitest";

import { parseAwsChunkedFraming } from "./aws4-chunked.ts";
import type { PayloadContext } from "./signer.ts";

const UNSIGNED = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
const SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";

function context(fields: Partial<PayloadContext>): PayloadContext {
  return {
    contentSha256: UNSIGNED,
    decodedContentLength: "5",
    body: "known-length",
    secure: true,
    ...fields,
  };
}

test.each([
  [{}, { decodedLength: 5, isSigned: false, trailerNames: [] }],
  [{ contentSha256: SIGNED }, { decodedLength: 5, isSigned: true, trailerNames: [] }],
  [{ contentSha256: `${SIGNED}-TRAILER` }, { decodedLength: 5, isSigned: true, trailerNames: [] }],
  [{ decodedContentLength: "0" }, { decodedLength: 0, isSigned: false, trailerNames: [] }],
  [
    { decodedContentLength: "9007199254740991" },
    { decodedLength: Number.MAX_SAFE_INTEGER, isSigned: false, trailerNames: [] },
  ],
  [
    { contentSha256: `${SIGNED}-TRAILER`, trailer: "X-Amz-Checksum-CRC32 ,x-amz-checksum-crc64nvme" },
    {
      decodedLength: 5,
      isSigned: true,
      trailerNames: ["x-amz-checksum-crc32", "x-amz-checksum-crc64nvme"],
    },
  ],
] as const)("%j announces %j", (fields, framing) => {
  expect(parseAwsChunkedFraming(context(fields))).toEqual({ ok: true, value: framing });
});

test.each([
  "STREAMING-AWS4-HMAC-SHA256-EVENTS",
  "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
  "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
  "STREAMING-UNSIGNED-PAYLOAD",
  "streaming-unsigned-payload-trailer",
  "STREAMING-",
  `${UNSIGNED}, ${UNSIGNED}`,
])("%s is refused: the frames are unknown, or S3 has none such", (contentSha256) => {
  expect(parseAwsChunkedFraming(context({ contentSha256 }))).toMatchObject({
    error: { field: "X-Amz-Content-Sha256" },
  });
});

test.each(["", "-1", "+5", "5 ", "5, 5", "0x5", "1e3", "5.0", "9007199254740992", "00000000000000005", "٥"])(
  "X-Amz-Decoded-Content-Length of %j is refused",
  (decodedContentLength) => {
    expect(parseAwsChunkedFraming(context({ decodedContentLength }))).toMatchObject({
      error: { field: "X-Amz-Decoded-Content-Length" },
    });
  },
);

test("X-Amz-Decoded-Content-Length is required", () => {
  const { decodedContentLength: _length, ...rest } = context({});
  expect(parseAwsChunkedFraming(rest)).toMatchObject({ error: { field: "X-Amz-Decoded-Content-Length" } });
});

test.each([
  "",
  "x-amz-copy-source",
  "x-amz-meta-a",
  "content-length",
  "x-amz-trailer-signature",
  "x-amz-checksum-",
  "x-amz-checksum-a_b",
  "x-amz-checksum-crc32:",
  "x-amz-checksum-crc32,",
  "x-amz-checksum-crc32, x-amz-copy-source",
  "x-amz-checksum-crc32, X-Amz-Checksum-Crc32",
  "x-amz-checksum-crc32 x-amz-checksum-sha1",
])("X-Amz-Trailer of %j is refused, since trailers are distinct checksums", (trailer) => {
  expect(parseAwsChunkedFraming(context({ trailer }))).toMatchObject({ error: { field: "X-Amz-Trailer" } });
});

test("X-Amz-Trailer is refused if the form of the chunks has no trailers", () => {
  const fields = { contentSha256: SIGNED, trailer: "x-amz-checksum-crc32" };
  expect(parseAwsChunkedFraming(context(fields))).toMatchObject({ error: { field: "X-Amz-Trailer" } });
});
