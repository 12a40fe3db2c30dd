import { hash } from "node:crypto";

import { expect, test } from "vitest";

import {
  EMPTY_SHA256,
  UNSIGNED_PAYLOAD,
  STREAMING_UNSIGNED_PAYLOAD_TRAILER,
  isAwsChunked,
  planPayload,
} from "./aws4-payload.ts";
import type { PayloadContext } from "./signer.ts";

const HASH = "0123456789abcdef".repeat(4);
const S3_KINDS = ["s3", "s3-object-lambda", "s3-outposts", "s3express"];
const OTHERS = ["lambda", "execute-api", "dynamodb", "s3-like", "S3", ""];
const BODIES = ["none", "known-length", "unknown-length"] as const;

const STREAMED: PayloadContext = { body: "known-length", secure: true };

function declared(value: string): object {
  return { kind: "precomputed", value };
}

test("the constant for an empty body is its SHA-256", () => {
  expect(EMPTY_SHA256).toBe(hash("sha256", ""));
});

test("a hash together with an aws-chunked body is refused, since it would be the hash of the chunks' frames", () => {
  for (const service of [...S3_KINDS, ...OTHERS]) {
    for (const body of BODIES) {
      const head = {
        payloadSha256: HASH,
        contentSha256: STREAMING_UNSIGNED_PAYLOAD_TRAILER,
        body,
        secure: true,
      };
      expect(planPayload(service, head)).toMatchObject({
        kind: "refused",
        problem: { field: "X-Payload-Sha256" },
      });
    }
  }
});

test.each(["aws-chunked", "AWS-Chunked", "aws-chunked,gzip", "gzip, aws-chunked", "gzip,\taws-chunked , br"])(
  "Content-Encoding: %s to S3 without STREAMING is refused, since the chunks' frames would be stored",
  (contentEncoding) => {
    for (const body of BODIES) {
      for (const hashes of [{}, { payloadSha256: HASH }, { contentSha256: HASH }]) {
        const head = { body, secure: true, contentEncoding, ...hashes };
        for (const service of S3_KINDS) {
          expect(planPayload(service, head)).toMatchObject({
            kind: "refused",
            problem: { field: "Content-Encoding" },
          });
        }
        expect(planPayload("lambda", head).kind).not.toBe("refused");
      }
    }
  },
);

test.each(["gzip", "aws-chunkedx", "x-aws-chunked", ""])(
  "Content-Encoding: %s describes the body and is allowed",
  (contentEncoding) => {
    const head = { body: "known-length", secure: true, contentEncoding } as const;
    expect(planPayload("s3", head)).toEqual(declared(UNSIGNED_PAYLOAD));
  },
);

test("a hash that the client declares is used, in upper or lower case, for any service, body and transport", () => {
  for (const service of [...S3_KINDS, ...OTHERS]) {
    for (const body of BODIES) {
      for (const secure of [true, false]) {
        for (const payloadSha256 of [HASH, HASH.toUpperCase()]) {
          const head = { payloadSha256, contentSha256: EMPTY_SHA256, body, secure };
          expect(planPayload(service, head)).toEqual(declared(HASH));
          const ofAws = planPayload(service, { contentSha256: payloadSha256, body, secure });
          expect(ofAws).toEqual(declared(body === "none" ? EMPTY_SHA256 : HASH));
        }
      }
    }
  }
});

test.each(["UNSIGNED-PAYLOAD", "", "abc", `${HASH}0`, ` ${HASH}`, `${HASH}, ${HASH}`])(
  "X-Amz-Content-Sha256 of %j is not a hash of the body, and is ignored",
  (contentSha256) => {
    for (const service of [...S3_KINDS, ...OTHERS]) {
      for (const body of BODIES) {
        const context = { body, secure: true };
        expect(planPayload(service, { ...context, contentSha256 })).toEqual(planPayload(service, context));
      }
    }
  },
);

test.each([
  "",
  "abc",
  `${HASH}0`,
  HASH.slice(1),
  `${HASH.slice(1)}g`,
  ` ${HASH}`,
  `${HASH}\n`,
  `${HASH}, ${HASH}`,
])("X-Payload-Sha256 of %j is refused, and the header is named", (payloadSha256) => {
  for (const body of BODIES) {
    expect(planPayload("s3", { payloadSha256, body, secure: true })).toMatchObject({
      kind: "refused",
      problem: { field: "X-Payload-Sha256" },
    });
  }
});

test("a request without a body is signed with the hash of the empty body, for any service and transport", () => {
  for (const service of [...S3_KINDS, ...OTHERS]) {
    for (const secure of [true, false]) {
      expect(planPayload(service, { body: "none", secure })).toEqual(declared(EMPTY_SHA256));
    }
  }
});

test.each(S3_KINDS)("a body of known length is streamed unsigned to %s over https", (service) => {
  expect(planPayload(service, STREAMED)).toEqual(declared(UNSIGNED_PAYLOAD));
  expect(planPayload(service, { ...STREAMED, contentSha256: "UNSIGNED-PAYLOAD" })).toEqual(
    declared(UNSIGNED_PAYLOAD),
  );
});

test.each(S3_KINDS)("a body to %s is buffered without TLS or without a length", (service) => {
  expect(planPayload(service, { body: "known-length", secure: false })).toEqual({ kind: "buffer" });
  expect(planPayload(service, { body: "unknown-length", secure: true })).toEqual({ kind: "buffer" });
});

test.each(OTHERS)("a body to the service %j is always buffered", (service) => {
  for (const body of ["known-length", "unknown-length"] as const) {
    for (const secure of [true, false]) {
      expect(planPayload(service, { body, secure })).toEqual({ kind: "buffer" });
    }
  }
});

const CHUNKED = {
  contentSha256: STREAMING_UNSIGNED_PAYLOAD_TRAILER,
  decodedContentLength: "5",
  trailer: "x-amz-checksum-crc32",
} as const;

test.each(["known-length", "unknown-length"] as const)(
  "chunks with trailers pass on as unsigned chunks where TLS protects them, with a body of %s",
  (body) => {
    for (const service of S3_KINDS) {
      for (const [contentSha256, isSigned] of [
        [STREAMING_UNSIGNED_PAYLOAD_TRAILER, false],
        ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", true],
      ] as const) {
        expect(planPayload(service, { ...CHUNKED, contentSha256, body, secure: true })).toEqual({
          kind: "precomputed",
          value: STREAMING_UNSIGNED_PAYLOAD_TRAILER,
          awsChunked: { decodedLength: 5, isSigned, trailerNames: ["x-amz-checksum-crc32"] },
        });
      }
    }
  },
);

test.each([
  [STREAMING_UNSIGNED_PAYLOAD_TRAILER, false],
  ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", true],
  ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", true],
])(
  "the frames of %s without trailers are taken off, and the content streams unsigned",
  (contentSha256, isSigned) => {
    const context = {
      contentSha256,
      decodedContentLength: "66560",
      body: "unknown-length",
      secure: true,
    } as const;
    expect(planPayload("s3", context)).toEqual({
      kind: "precomputed",
      value: UNSIGNED_PAYLOAD,
      awsChunked: { decodedLength: 66_560, isSigned, trailerNames: [] },
    });
  },
);

test("without TLS the frames are always taken off, and the content is buffered", () => {
  for (const service of S3_KINDS) {
    expect(planPayload(service, { ...CHUNKED, body: "known-length", secure: false })).toEqual({
      kind: "buffer",
      awsChunked: { decodedLength: 5, isSigned: false, trailerNames: ["x-amz-checksum-crc32"] },
    });
  }
});

test.each(OTHERS)(
  "an aws-chunked body to the service %j is refused: it would be read as content",
  (service) => {
    for (const secure of [true, false]) {
      expect(planPayload(service, { ...CHUNKED, body: "known-length", secure })).toMatchObject({
        kind: "refused",
        problem: { field: "X-Amz-Content-Sha256" },
      });
    }
  },
);

test("an aws-chunked body of no bytes is refused, since it has no last chunk", () => {
  expect(planPayload("s3", { ...CHUNKED, body: "none", secure: true })).toMatchObject({
    kind: "refused",
    problem: { field: "X-Amz-Content-Sha256" },
  });
});

test("an invalid announcement of chunks is refused, and its header is named", () => {
  const context = { ...CHUNKED, decodedContentLength: "-1", body: "known-length", secure: true } as const;
  expect(planPayload("s3", context)).toMatchObject({
    kind: "refused",
    problem: { field: "X-Amz-Decoded-Content-Length" },
  });
});

test("every STREAMING value announces chunks, in any case, and no other value does", () => {
  for (const value of [
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "streaming-unsigned-payload-trailer",
    "STREAMING-",
  ]) {
    expect(isAwsChunked(value)).toBe(true);
  }
  for (const value of [undefined, "", HASH, "UNSIGNED-PAYLOAD", "STREAMING", " STREAMING-"]) {
    expect(isAwsChunked(value)).toBe(false);
  }
});
