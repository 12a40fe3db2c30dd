import { expect, test } from "vitest";
import { reframeHeaders } from "./reframed-headers.ts";

const CRC = "x-amz-checksum-crc32";
const UNSIGNED = { decodedLength: 5, isSigned: false, trailerNames: [CRC] };
const SIGNED = { ...UNSIGNED, isSigned: true };
const PLAIN = { headers: ["Host", "a.example"], headerNames: new Set(["host"]) };
const LENGTH = { kind: "length", length: 48 } as const;
const CHUNKED = { kind: "chunked" } as const;

test.each([
  ["aws-chunked", []],
  ["AWS-Chunked", []],
  ["aws-chunked,gzip", ["Content-Encoding", "gzip"]],
  ["gzip , aws-chunked, br", ["Content-Encoding", "gzip,br"]],
  ["gzip", ["Content-Encoding", "gzip"]],
])("with the frames, aws-chunked leaves Content-Encoding: %s", (value, rest) => {
  const headers = ["Accept", "", "Content-Encoding", value, "X-A", "aws-chunked"];
  expect(reframeHeaders(PLAIN, headers, UNSIGNED, "content", CHUNKED)).toEqual({
    ok: true,
    value: {
      targetHeaders: PLAIN.headers,
      clientHeaders: ["Accept", "", ...rest, "X-A", "aws-chunked", "Content-Length", "5"],
    },
  });
});

test("aws-chunked that the target configures leaves with the frames too, and stays with them", () => {
  const own = ["Host", "a.example", "Content-Encoding", "aws-chunked"];
  const target = { headers: own, headerNames: new Set(["host", "content-encoding"]) };
  expect(reframeHeaders(target, [], UNSIGNED, "content", CHUNKED)).toMatchObject({
    value: { targetHeaders: PLAIN.headers },
  });
  expect(reframeHeaders(target, [], UNSIGNED, "chunks", CHUNKED)).toMatchObject({
    value: { targetHeaders: own },
  });
});

test.each([
  ["chunks without signatures keep their length", UNSIGNED, LENGTH, ["Content-Length", "48"]],
  ["chunks that lose their signatures have no known length", SIGNED, LENGTH, []],
  ["chunks of unknown length stay so", UNSIGNED, CHUNKED, []],
])("%s, and are described as aws-chunked", (_name, framing, body, added) => {
  const headers = ["Content-Encoding", "aws-chunked"];
  expect(reframeHeaders(PLAIN, headers, framing, "chunks", body)).toEqual({
    ok: true,
    value: { targetHeaders: PLAIN.headers, clientHeaders: [...headers, ...added] },
  });
});

test.each(["content", "chunks"] as const)(
  "a trailer with the name of a header is refused, since the target would have two values (kept: %s)",
  (part) => {
    const own = { headers: [CRC, ""], headerNames: new Set([CRC]) };
    expect(reframeHeaders(own, [], UNSIGNED, part, LENGTH)).toMatchObject({
      error: { reason: "header_not_allowed", name: CRC },
    });
    const headers = ["X-Amz-Checksum-CRC32", "AAAAAA=="];
    expect(reframeHeaders(PLAIN, headers, UNSIGNED, part, LENGTH)).toMatchObject({
      error: { reason: "invalid_field", problem: { field: CRC } },
    });
  },
);
