import {
  EMPTY_SHA256,
  UNSIGNED_PAYLOAD,
  STREAMING_UNSIGNED_PAYLOAD_TRAILER,
} from "capability-protocol/signers";
import { expect, test } from "vitest";
import { digest, headersOf, preparedTarget, requestHeadOf, shaped } from "../../../testkit/src/fixtures.ts";
import { hashPayload, planPayload, sign } from "./sign.ts";

const NOW = new Date("2026-11-22T00:00:00Z");
const HEX = "ab".repeat(32);

function targetOf(service: string, scheme = "https"): ReturnType<typeof preparedTarget> {
  const key = { awsAccessKeyId: "A", region: "r", service, secretAccessKey: "s" };
  return preparedTarget({ uri: `${scheme}://example.com/`, hmac: { "aws4-hmac-sha256": key } });
}

const LENGTH = { kind: "length", length: 7 } as const;
const CHUNKED = { kind: "chunked" } as const;
const NONE = { kind: "none" } as const;

test.each([
  ["s3", "https", NONE, [], EMPTY_SHA256],
  ["s3", "https", LENGTH, [], UNSIGNED_PAYLOAD],
  ["s3", "http", CHUNKED, ["X-Amz-Content-SHA256", HEX], HEX],
  ["s3", "https", LENGTH, ["X-Payload-SHA256", HEX.toUpperCase()], HEX],
  ["lambda", "https", CHUNKED, ["X-Payload-Sha256", HEX], HEX],
  ["lambda", "http", NONE, [], EMPTY_SHA256],
])("for %s over %s a body of %j with %j is declared as %s", (service, scheme, body, rawHeaders, value) => {
  const plan = planPayload(targetOf(service, scheme), requestHeadOf({ body, rawHeaders }));
  expect(plan).toEqual({ kind: "precomputed", value });
});

test("an aws-chunked body is planned by all the headers that announce it", () => {
  const rawHeaders = [
    ["X-Amz-Content-SHA256", STREAMING_UNSIGNED_PAYLOAD_TRAILER],
    ["X-Amz-Decoded-Content-Length", "7"],
    ["X-Amz-Trailer", "x-amz-checksum-crc32"],
    ["X-Amz-Trailer", "x-amz-checksum-sha1"],
  ];
  const trailerNames = ["x-amz-checksum-crc32", "x-amz-checksum-sha1"];
  expect(
    planPayload(targetOf("s3"), requestHeadOf({ body: CHUNKED, rawHeaders: rawHeaders.flat() })),
  ).toEqual({
    kind: "precomputed",
    value: STREAMING_UNSIGNED_PAYLOAD_TRAILER,
    awsChunked: { decodedLength: 7, isSigned: false, trailerNames },
  });
  const twice = [...rawHeaders, ["x-amz-decoded-content-length", "7"]].flat();
  expect(planPayload(targetOf("s3"), requestHeadOf({ body: CHUNKED, rawHeaders: twice }))).toMatchObject({
    kind: "refused",
    problem: { field: "X-Amz-Decoded-Content-Length" },
  });
});

test.each([
  ["s3", "https", CHUNKED],
  ["s3", "http", LENGTH],
  ["lambda", "https", LENGTH],
])("for %s over %s a body of %j is held", (service, scheme, body) => {
  expect(planPayload(targetOf(service, scheme), requestHeadOf({ body }))).toEqual({ kind: "buffer" });
});

test("of two hashes the last counts, and one that is none is refused", () => {
  const rawHeaders = ["X-Payload-Sha256", "x", "x-payload-sha256", HEX];
  expect(planPayload(targetOf("lambda"), requestHeadOf({ rawHeaders }))).toEqual({
    kind: "precomputed",
    value: HEX,
  });
  const turned = [...rawHeaders.slice(2), ...rawHeaders.slice(0, 2)];
  expect(planPayload(targetOf("lambda"), requestHeadOf({ rawHeaders: turned }))).toMatchObject({
    kind: "refused",
  });
});

test("without a signer nothing is planned and nothing added", () => {
  const target = preparedTarget({ uri: "https://example.com/" });
  const head = requestHeadOf({ body: LENGTH, rawHeaders: ["X-Payload-Sha256", "nonsense"] });
  expect(planPayload(target, head)).toEqual({ kind: "precomputed", value: "" });
  const request = shaped(target, head);
  expect(sign(target, request, "", [], () => NOW)).toEqual(headersOf(request));
});

test("credentials come after the headers that they sign, which stay as they are, and before those that are not signed", () => {
  const target = targetOf("lambda");
  const request = shaped(target, requestHeadOf({ rawHeaders: ["Accept", "*/*"] }));
  const signed = sign(target, request, EMPTY_SHA256, ["Via", "1.1 hop"], () => NOW);
  expect(signed.slice(0, headersOf(request).length)).toEqual(headersOf(request));
  const added = signed.slice(headersOf(request).length);
  expect(added.filter((_, index) => index % 2 === 0)).toEqual([
    "x-amz-date",
    "x-amz-content-sha256",
    "authorization",
    "Via",
  ]);
  expect(added.slice(0, 4)).toEqual(["x-amz-date", "20261122T000000Z", "x-amz-content-sha256", EMPTY_SHA256]);
});

test("a payload is hashed with SHA-256 and written in lower-case hex", () => {
  expect(hashPayload([Buffer.alloc(0)], digest)).toBe(EMPTY_SHA256);
});
