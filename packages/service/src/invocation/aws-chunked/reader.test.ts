import { createHash, createHmac } from "node:crypto";
import type { AwsChunkedFraming } from "capability-protocol/signers";
import { expect, test } from "vitest";
import type { KeptPart } from "./kept-part.ts";
import { AwsChunkedReader } from "./reader.ts";

const CRC = "x-amz-checksum-crc32";
const SIGNATURE = "0123456789abcdef".repeat(4);
const SIGN = `;chunk-signature=${SIGNATURE}`;
const TRAILER = `${CRC}:NhCmhg==\r\n`;
const TRAILER_SIGNATURE = `x-amz-trailer-signature:${SIGNATURE}\r\n`;

const UNSIGNED: AwsChunkedFraming = { decodedLength: 5, isSigned: false, trailerNames: [] };
const SIGNED: AwsChunkedFraming = { ...UNSIGNED, isSigned: true };
const WITH_TRAILER: AwsChunkedFraming = { ...UNSIGNED, trailerNames: [CRC] };
const SIGNED_WITH_TRAILER: AwsChunkedFraming = { ...WITH_TRAILER, isSigned: true };

interface Read {
  readonly kept: string;
  readonly trailers: readonly string[];
}

/** Reads a body that arrives in these pieces; throws what is expected instead if it is refused. */
function readPieces(framing: AwsChunkedFraming, part: KeptPart, pieces: readonly Buffer[]): Read {
  const reader = new AwsChunkedReader(framing, part);
  const results = [...pieces.map((piece) => reader.read(piece)), reader.end()];
  const kept = results.map((result) => {
    if (!result.ok) throw new Error(`${result.error.field}: expected ${result.error.expected}`);
    return result.value.toString("latin1");
  });
  return { kept: kept.join(""), trailers: reader.trailers };
}

function read(framing: AwsChunkedFraming, body: string, part: KeptPart = "content"): Read {
  return readPieces(framing, part, [Buffer.from(body, "latin1")]);
}

function refusal(framing: AwsChunkedFraming, body: string): string {
  try {
    return `accepted: ${read(framing, body).kept}`;
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
}

/*
 * AWS's example: 66,560 letters "a" in chunks of 65,536, 1,024 and 0 bytes, with a signature each.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html#example-signature-calculations-streaming
 */
const AWS_EXAMPLE_SEED = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
const AWS_EXAMPLE = [
  [65_536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"],
  [1_024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"],
  [0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"],
] as const;
const AWS_EXAMPLE_BODY = AWS_EXAMPLE.map(
  ([length, signature]) => `${length.toString(16)};chunk-signature=${signature}\r\n${"a".repeat(length)}\r\n`,
).join("");

test("the signatures of AWS's example are those of its chunks, so that the example is AWS's", () => {
  const hmac = (key: string | Buffer, text: string): Buffer =>
    createHmac("sha256", key).update(text).digest();
  const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
  const key = ["20130524", "us-east-1", "s3", "aws4_request"].reduce<string | Buffer>(
    hmac,
    "AWS4wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  );
  let previous = AWS_EXAMPLE_SEED;
  for (const [length, signature] of AWS_EXAMPLE) {
    const scope = "20130524T000000Z\n20130524/us-east-1/s3/aws4_request";
    const hashes = `${sha256("")}\n${sha256("a".repeat(length))}`;
    expect(hmac(key, `AWS4-HMAC-SHA256-PAYLOAD\n${scope}\n${previous}\n${hashes}`).toString("hex")).toBe(
      signature,
    );
    previous = signature;
  }
  expect(AWS_EXAMPLE_BODY).toHaveLength(66_824);
});

test("AWS's example is read as 66,560 bytes, or as the same chunks without signatures", () => {
  const framing = { decodedLength: 66_560, isSigned: true, trailerNames: [] };
  expect(read(framing, AWS_EXAMPLE_BODY).kept).toBe("a".repeat(66_560));
  expect(read(framing, AWS_EXAMPLE_BODY, "chunks").kept).toBe(
    `10000\r\n${"a".repeat(65_536)}\r\n400\r\n${"a".repeat(1_024)}\r\n0\r\n\r\n`,
  );
});

test("AWS's example is read alike however it is split in two", () => {
  const framing = { decodedLength: 66_560, isSigned: true, trailerNames: [] };
  const body = Buffer.from(AWS_EXAMPLE_BODY);
  const interesting = [...Array(200).keys()].flatMap((at) => [at, 65_536 + at, body.length - at]);
  for (const at of interesting) {
    const { kept } = readPieces(framing, "content", [body.subarray(0, at), body.subarray(at)]);
    expect(kept === "a".repeat(66_560), `split at ${at}`).toBe(true);
  }
});

const ACCEPTED: readonly (readonly [name: string, AwsChunkedFraming, body: string, chunks: string])[] = [
  ["one chunk", UNSIGNED, "5\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n"],
  [
    "chunks of one byte",
    UNSIGNED,
    "1\r\nh\r\n1\r\ne\r\n3\r\nllo\r\n0\r\n\r\n",
    "1\r\nh\r\n1\r\ne\r\n3\r\nllo\r\n0\r\n\r\n",
  ],
  [
    "16 digits",
    UNSIGNED,
    "0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n",
    "0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n",
  ],
  [
    "signed chunks",
    SIGNED,
    `2${SIGN}\r\nhe\r\n3${SIGN}\r\nllo\r\n0${SIGN}\r\n\r\n`,
    "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
  ],
  ["a trailer", WITH_TRAILER, `5\r\nhello\r\n0\r\n${TRAILER}\r\n`, `5\r\nhello\r\n0\r\n${TRAILER}\r\n`],
  [
    "a trailer with another case and white space",
    WITH_TRAILER,
    "5\r\nhello\r\n0\r\nX-Amz-Checksum-CRC32: NhCmhg== \r\n\r\n",
    "5\r\nhello\r\n0\r\nX-Amz-Checksum-CRC32: NhCmhg== \r\n\r\n",
  ],
  [
    "a signed trailer",
    SIGNED_WITH_TRAILER,
    `5${SIGN}\r\nhello\r\n0${SIGN}\r\n${TRAILER}${TRAILER_SIGNATURE}\r\n`,
    `5\r\nhello\r\n0\r\n${TRAILER}\r\n`,
  ],
];

test.each(ACCEPTED)("%s: accepted, split at every byte", (_name, framing, body, chunks) => {
  const trailers = framing.trailerNames.length === 0 ? [] : [CRC, "NhCmhg=="];
  const bytes = Buffer.from(body, "latin1");
  const single = Array.from(bytes, (byte) => Buffer.from([byte]));
  const splits = Array.from(bytes, (_byte, at) => [bytes.subarray(0, at), bytes.subarray(at)]);
  for (const pieces of [[bytes], single, ...splits]) {
    expect(readPieces(framing, "content", pieces)).toEqual({ kept: "hello", trailers });
    expect(readPieces(framing, "chunks", pieces)).toEqual({ kept: chunks, trailers });
  }
});

test("content of no bytes is its last chunk alone", () => {
  const empty = { ...WITH_TRAILER, decodedLength: 0 };
  const body = `0\r\n${CRC}:AAAAAA==\r\n\r\n`;
  expect(read(empty, body)).toEqual({ kept: "", trailers: [CRC, "AAAAAA=="] });
  expect(read(empty, body, "chunks").kept).toBe(body);
});

test("every prefix of a body is refused, since it ends before the last chunk", () => {
  for (const [, framing, body] of ACCEPTED) {
    for (let length = 0; length < body.length; length += 1) {
      expect(refusal(framing, body.slice(0, length))).toBe(
        "body: expected the last chunk, of size 0, before the end",
      );
    }
  }
});

test("of no proper prefix of a body all content is kept, nor the end of its chunks", () => {
  for (const [, framing, body, chunks] of ACCEPTED) {
    const reader = new AwsChunkedReader(framing, "content");
    const read = reader.read(Buffer.from(body));
    expect(read.ok && read.value.toString()).toBe("hell");
    const chunkReader = new AwsChunkedReader(framing, "chunks");
    const readChunks = chunkReader.read(Buffer.from(body));
    expect(readChunks.ok && readChunks.value.toString()).toBe(
      chunks.slice(0, chunks.lastIndexOf("0\r\n") + 3),
    );
  }
});

const SIZE = "a chunk that begins with its size in hexadecimal digits";
const SIZE_END = "CRLF after the size of a chunk";
const DATA_END = "CRLF after the data of a chunk";
const SIGNATURE_NAME = ";chunk-signature= after the size of a chunk";
const CHUNK_SIGNATURE = "a chunk signature of 64 hexadecimal digits in lower case, then CRLF";
const PRINTABLE = "printable ASCII in trailers, and CRLF after each";
const NAMED = "the trailers that X-Amz-Trailer names, each once, with a value";
const SIGNED_LAST = "x-amz-trailer-signature once, after the trailers of signed chunks";
const END = "no byte after the end of the chunks";

test.each([
  // Rule 1: the line of a chunk.
  ["no size", UNSIGNED, "\r\nhello\r\n0\r\n\r\n", SIZE],
  ["a sign", UNSIGNED, "+5\r\nhello\r\n0\r\n\r\n", SIZE],
  ["0x", UNSIGNED, "0x5\r\nhello\r\n0\r\n\r\n", SIZE_END],
  ["a space before the size", UNSIGNED, " 5\r\nhello\r\n0\r\n\r\n", SIZE],
  ["a space after the size", UNSIGNED, "5 \r\nhello\r\n0\r\n\r\n", SIZE_END],
  ["17 digits", UNSIGNED, "00000000000000005\r\nhello\r\n0\r\n\r\n", "a chunk size of at most 16 digits"],
  ["another extension", UNSIGNED, "5;a=b\r\nhello\r\n0\r\n\r\n", SIZE_END],
  ["a signature without being signed", UNSIGNED, `5${SIGN}\r\nhello\r\n0\r\n\r\n`, SIZE_END],
  ["no signature though signed", SIGNED, "5\r\nhello\r\n0\r\n\r\n", SIGNATURE_NAME],
  ["another extension in place of it", SIGNED, `5;a=b${SIGN}\r\nhello\r\n`, SIGNATURE_NAME],
  ["another extension after it", SIGNED, `5${SIGN};a=b\r\nhello\r\n`, CHUNK_SIGNATURE],
  ["the signature's name in upper case", SIGNED, `5;Chunk-Signature=${SIGNATURE}\r\n`, SIGNATURE_NAME],
  ["a space before the signature", SIGNED, `5;chunk-signature= ${SIGNATURE}\r\n`, CHUNK_SIGNATURE],
  ["63 digits", SIGNED, `5;chunk-signature=${SIGNATURE.slice(1)}\r\n`, CHUNK_SIGNATURE],
  ["65 digits", SIGNED, `5${SIGN}0\r\n`, CHUNK_SIGNATURE],
  ["digits in upper case", SIGNED, `5;chunk-signature=${SIGNATURE.toUpperCase()}\r\n`, CHUNK_SIGNATURE],
  ["another letter", SIGNED, `5;chunk-signature=${SIGNATURE.slice(1)}g\r\n`, CHUNK_SIGNATURE],
  ["LF alone after the size", UNSIGNED, "5\nhello\r\n0\r\n\r\n", SIZE_END],
  ["CR alone after the size", UNSIGNED, "5\rhello\r\n0\r\n\r\n", "LF after CR"],
  ["CR twice after the size", UNSIGNED, "5\r\r\nhello\r\n0\r\n\r\n", "LF after CR"],
  ["LF alone after the data", UNSIGNED, "5\r\nhello\n0\r\n\r\n", DATA_END],
  ["CR alone after the data", UNSIGNED, "5\r\nhello\r0\r\n\r\n", DATA_END],
  ["data longer than its size", UNSIGNED, "4\r\nhello\r\n0\r\n\r\n", DATA_END],
  ["a size that is endless", UNSIGNED, "0".repeat(300), "a chunk size of at most 16 digits"],
  // Rule 2: the sum.
  [
    "more content than declared",
    UNSIGNED,
    "6\r\nhello!\r\n0\r\n\r\n",
    "no more content than X-Amz-Decoded-Content-Length",
  ],
  [
    "more content in a second chunk",
    UNSIGNED,
    "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n",
    "no more content than X-Amz-Decoded-Content-Length",
  ],
  ["the largest size", UNSIGNED, "ffffffffffffffff\r\n", "no more content than X-Amz-Decoded-Content-Length"],
  [
    "less content than declared",
    UNSIGNED,
    "4\r\nhell\r\n0\r\n\r\n",
    "as much content as X-Amz-Decoded-Content-Length",
  ],
  // Rule 3: trailers.
  ["a trailer that is not announced", UNSIGNED, `5\r\nhello\r\n0\r\n${TRAILER}\r\n`, NAMED],
  ["another trailer", WITH_TRAILER, `5\r\nhello\r\n0\r\nx-amz-copy-source:/b/k\r\n\r\n`, NAMED],
  ["a second trailer", WITH_TRAILER, `5\r\nhello\r\n0\r\n${TRAILER}${TRAILER}\r\n`, NAMED],
  ["no trailer", WITH_TRAILER, "5\r\nhello\r\n0\r\n\r\n", "all trailers that X-Amz-Trailer names"],
  ["a trailer without a value", WITH_TRAILER, `5\r\nhello\r\n0\r\n${CRC}: \r\n\r\n`, NAMED],
  ["a trailer without a colon", WITH_TRAILER, `5\r\nhello\r\n0\r\n${CRC}\r\n\r\n`, NAMED],
  ["a trailer with a space before the colon", WITH_TRAILER, `5\r\nhello\r\n0\r\n${CRC} :a\r\n\r\n`, NAMED],
  ["a folded trailer", WITH_TRAILER, `5\r\nhello\r\n0\r\n${CRC}:a\r\n b\r\n\r\n`, NAMED],
  ["a trailer with a control character", WITH_TRAILER, `5\r\nhello\r\n0\r\n${CRC}:a\0\r\n\r\n`, PRINTABLE],
  ["a trailer with LF alone", WITH_TRAILER, `5\r\nhello\r\n0\r\n${CRC}:a\n\r\n`, PRINTABLE],
  ["a trailer with CR alone", WITH_TRAILER, `5\r\nhello\r\n0\r\n${CRC}:a\rb\r\n\r\n`, "LF after CR"],
  ["a trailer beyond ASCII", WITH_TRAILER, `5\r\nhello\r\n0\r\n${CRC}:\u00e9\r\n\r\n`, PRINTABLE],
  [
    "a trailer of 1,025 bytes",
    WITH_TRAILER,
    `5\r\nhello\r\n0\r\n${CRC}:${"a".repeat(1_004)}\r\n\r\n`,
    "trailers of at most 1024 bytes, together 4096",
  ],
  [
    "a trailer signature without being signed",
    WITH_TRAILER,
    `5\r\nhello\r\n0\r\n${TRAILER}${TRAILER_SIGNATURE}\r\n`,
    SIGNED_LAST,
  ],
  [
    "a trailer signature without trailers",
    SIGNED,
    `5${SIGN}\r\nhello\r\n0${SIGN}\r\n${TRAILER_SIGNATURE}\r\n`,
    SIGNED_LAST,
  ],
  [
    "no trailer signature",
    SIGNED_WITH_TRAILER,
    `5${SIGN}\r\nhello\r\n0${SIGN}\r\n${TRAILER}\r\n`,
    "x-amz-trailer-signature after the trailers of signed chunks",
  ],
  [
    "a trailer signature that is not last",
    SIGNED_WITH_TRAILER,
    `5${SIGN}\r\nhello\r\n0${SIGN}\r\n${TRAILER_SIGNATURE}${TRAILER}\r\n`,
    SIGNED_LAST,
  ],
  [
    "a trailer signature twice",
    SIGNED_WITH_TRAILER,
    `5${SIGN}\r\nhello\r\n0${SIGN}\r\n${TRAILER}${TRAILER_SIGNATURE}${TRAILER_SIGNATURE}\r\n`,
    SIGNED_LAST,
  ],
  [
    "a trailer signature of 63 digits",
    SIGNED_WITH_TRAILER,
    `5${SIGN}\r\nhello\r\n0${SIGN}\r\n${TRAILER}${TRAILER_SIGNATURE.replace(":0", ":")}\r\n`,
    SIGNED_LAST,
  ],
  // Rule 4: the end.
  ["a byte after the end", UNSIGNED, "5\r\nhello\r\n0\r\n\r\n\r", END],
  ["a second body after the end", UNSIGNED, "5\r\nhello\r\n0\r\n\r\n5\r\nhello\r\n0\r\n\r\n", END],
  ["an end without CRLF", UNSIGNED, "5\r\nhello\r\n0\r\n", "the last chunk, of size 0, before the end"],
])("%s: refused", (_name, framing, body, expected) => {
  expect(refusal(framing, body)).toBe(`body: expected ${expected}`);
});

test("a trailer of 1,024 bytes is accepted, and together they may have 4,096", () => {
  const names = ["a", "b", "c", "d", "e"].map((letter) => `x-amz-checksum-${letter}`);
  const line = (name: string, length: number): string =>
    `${name}:${"a".repeat(length - name.length - 1)}\r\n`;
  const framing = { ...UNSIGNED, trailerNames: names };
  const body = (last: number): string =>
    `5\r\nhello\r\n0\r\n${names.map((name, at) => line(name, at < 3 ? 1_024 : at === 3 ? 1_000 : last)).join("")}\r\n`;
  expect(read(framing, body(24)).trailers).toHaveLength(10);
  expect(refusal(framing, body(25))).toBe("body: expected trailers of at most 1024 bytes, together 4096");
});
