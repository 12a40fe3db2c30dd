import { crc32 as crc32Of } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call } from "../../../testkit/src/client.ts";
import { AWS_KEY, isCorrectlySigned, sha256 } from "../../../testkit/src/aws4-reference.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import type { RawConnection, RawResponse } from "../../../testkit/src/raw-connection.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startRawTlsTarget, startTarget } from "../../../testkit/src/target.ts";
import type { RawTarget, TestTarget } from "../../../testkit/src/target.ts";
import type { TestCertificate } from "../../../testkit/src/tls-target.ts";
import { makeCertificate, startTlsTarget } from "../../../testkit/src/tls-target.ts";
import type { AwsChunked, AwsChunkedForm } from "../support/aws-chunked.ts";
import { AWS_CHUNKED_FORMS, awsChunked } from "../support/aws-chunked.ts";

const HELD = 64 * 1024;
const UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
const CRC = "x-amz-checksum-crc32";
const POLL = { timeout: 20_000 };

let service: TestService;
let plain: TestTarget;
let secure: TestTarget;
let certificate: TestCertificate;

beforeAll(async () => {
  certificate = await makeCertificate("127.0.0.1");
  service = await startTestService({ limits: { bufferedBodyBytes: HELD } });
  plain = await startTarget();
  secure = await startTlsTarget(certificate);
});
afterAll(async () => {
  await service.close();
  await plain[Symbol.asyncDispose]();
  await secure[Symbol.asyncDispose]();
});

interface Exported {
  readonly token: string;
  readonly revoke: string;
}

function exportBucket(url: string, headers: object = {}): Promise<Exported> {
  const hmac = { "aws4-hmac-sha256": { ...AWS_KEY, service: "s3" } };
  return exportTarget(service, { uri: `${url}b/k`, tls: { ca: certificate.ca }, hmac, headers });
}

const FRAMINGS = ["Content-Length", "Transfer-Encoding"] as const;

type Framing = (typeof FRAMINGS)[number];

function headOf(token: string, { headers, body }: AwsChunked, framing: Framing): string {
  const line = framing === "Content-Length" ? `Content-Length: ${body.length}` : "Transfer-Encoding: chunked";
  return requestHead(token, { line: "PUT / HTTP/1.1", headers: [...headers, line] });
}

function framed(body: string, framing: Framing): string {
  return framing === "Content-Length" ? body : `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
}

async function put(
  token: string,
  sent: AwsChunked,
  framing: Framing = "Transfer-Encoding",
): Promise<RawResponse> {
  await using connection = await openRawConnection(service.port);
  connection.send(headOf(token, sent, framing) + framed(sent.body, framing));
  return await nextResponse(connection);
}

function crcOf(content: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32Of(content));
  return bytes.toString("base64");
}

const CASES = AWS_CHUNKED_FORMS.flatMap((form) => FRAMINGS.map((framing) => [form, framing] as const));
const WITH_TRAILER = CASES.filter(([form]) => form.endsWith("-TRAILER"));

/** The chunks without signatures. */
function unsigned(body: string): string {
  return body.replaceAll(/;chunk-signature=[0-9a-f]{64}|x-amz-trailer-signature:[0-9a-f]{64}\r\n/g, "");
}

test.each(WITH_TRAILER)(
  "%s with a checksum in %s goes to S3 over https in the same chunks, without signatures",
  async (form, framing) => {
    const { token } = await exportBucket(secure.url);
    const content = "content ".repeat(HELD);
    const crc32 = crcOf(content);
    const sent = awsChunked(form, content, { crc32, chunkBytes: 70_000 });
    expect(await put(token, sent, framing)).toMatchObject({ status: 200 });
    const request = secure.requests.at(-1)!;
    expect(request.body.toString() === unsigned(sent.body)).toBe(true);
    expect(request.headers).toMatchObject({
      "content-encoding": "aws-chunked",
      "x-amz-content-sha256": UNSIGNED_TRAILER,
      "x-amz-decoded-content-length": String(content.length),
      "x-amz-trailer": CRC,
    });
    const isLengthKnown = framing === "Content-Length" && form === UNSIGNED_TRAILER;
    expect(request.headers["content-length"]).toBe(isLengthKnown ? String(sent.body.length) : undefined);
    expect(isCorrectlySigned(request, "s3")).toBe(true);
  },
);

test.each(CASES)(
  "%s without a checksum in %s goes to S3 over https as its content",
  async (form, framing) => {
    const { token } = await exportBucket(secure.url);
    for (const content of ["content ".repeat(HELD), "x", ""]) {
      expect(await put(token, awsChunked(form, content, { chunkBytes: 70_000 }), framing)).toMatchObject({
        status: 200,
      });
      const request = secure.requests.at(-1)!;
      expect(request.body.toString() === content).toBe(true);
      expect(request.headers).toMatchObject({
        "content-length": String(content.length),
        "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
      });
      expect(Object.keys(request.headers)).not.toContain("content-encoding");
      expect(Object.keys(request.headers)).not.toContain("x-amz-decoded-content-length");
      expect(isCorrectlySigned(request, "s3")).toBe(true);
    }
  },
);

test.each(CASES)(
  "%s in %s goes over http as its content, hashed, its checksum as a header",
  async (form, framing) => {
    const { token } = await exportBucket(plain.url);
    for (const content of ["x".repeat(HELD), "x", ""]) {
      const crc32 = crcOf(content);
      expect(
        await put(token, awsChunked(form, content, { crc32, chunkBytes: 1_000 }), framing),
      ).toMatchObject({ status: 200 });
      const request = plain.requests.at(-1)!;
      expect(request.body.toString() === content).toBe(true);
      expect(request.headers).toMatchObject({
        "content-length": String(content.length),
        "x-amz-content-sha256": sha256(content),
      });
      expect(request.headers[CRC]).toBe(form.endsWith("-TRAILER") ? crc32 : undefined);
      const names = Object.keys(request.headers);
      for (const name of [
        "content-encoding",
        "x-amz-trailer",
        "x-amz-decoded-content-length",
        "transfer-encoding",
      ]) {
        expect(names).not.toContain(name);
      }
      expect(isCorrectlySigned(request, "s3")).toBe(true);
    }
  },
);

test("the other codings of the content stay in Content-Encoding", async () => {
  for (const target of [plain, secure]) {
    const { token } = await exportBucket(target.url);
    const { headers, body } = awsChunked("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "x");
    const gzip = headers.map((line) => line.replace(": aws-chunked", ": aws-chunked,gzip"));
    expect(await put(token, { headers: gzip, body })).toMatchObject({ status: 200 });
    expect(target.requests.at(-1)!.headers["content-encoding"]).toBe("gzip");
  }
});

test("without TLS, the limit of a body that is held counts the content, not the frames", async () => {
  const { token } = await exportBucket(plain.url);
  const form = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
  const fits = awsChunked(form, "x".repeat(HELD), { chunkBytes: 50 });
  expect(fits.body.length).toBeGreaterThan(2 * HELD);
  expect(await put(token, fits)).toMatchObject({ status: 200 });
  const before = plain.requests.length;
  expect(await put(token, awsChunked(form, "x".repeat(HELD + 1)))).toMatchObject({ status: 413 });
  expect(plain.requests).toHaveLength(before);
});

test.each([
  ["https", () => secure],
  ["http", () => plain],
])("an upload of boto3 and awscli arrives, which wait for a 100, over %s", async (_scheme, target) => {
  const { token } = await exportBucket(target().url);
  const sent = awsChunked(UNSIGNED_TRAILER, "hello", { crc32: "NhCmhg==" });
  await using connection = await openRawConnection(service.port);
  const headers = [...sent.headers, "Expect: 100-continue"];
  connection.send(headOf(token, { ...sent, headers }, "Transfer-Encoding"));
  await connection.until((received) => received.startsWith("HTTP/1.1 100 "));
  const from = connection.received().length;
  // Botocore sends each part of an aws-chunked chunk in an HTTP chunk.
  for (const part of ["5\r\n", "hello", "\r\n", "0\r\n", `${CRC}:NhCmhg==\r\n`, "\r\n"]) {
    connection.send(`${part.length.toString(16)}\r\n${part}\r\n`);
  }
  connection.send("0\r\n\r\n");
  expect(await nextResponse(connection, { from })).toMatchObject({ status: 200 });
  const request = target().requests.at(-1)!;
  expect(request.body.toString()).toBe(target() === secure ? sent.body : "hello");
  expect(isCorrectlySigned(request, "s3")).toBe(true);
});

test("a body over the limit gets its 413 in place of the 100", async () => {
  const { token } = await exportBucket(plain.url);
  const sent = awsChunked(UNSIGNED_TRAILER, "x".repeat(HELD + 1), { crc32: "NhCmhg==" });
  await using connection = await openRawConnection(service.port);
  connection.send(
    headOf(token, { ...sent, headers: [...sent.headers, "Expect: 100-continue"] }, "Content-Length"),
  );
  expect(await nextResponse(connection)).toMatchObject({ status: 413 });
});

async function startSilentTarget(): Promise<RawTarget> {
  return await startRawTlsTarget(certificate, () => undefined);
}

/** Sends the first half of an upload, and waits until it is at the target. */
async function beginUpload(
  connection: RawConnection,
  target: RawTarget,
  token: string,
  crc32: string | undefined,
): Promise<string> {
  const content = `${"a".repeat(50_000)}MIDDLE${"b".repeat(50_000)}`;
  const sent = awsChunked("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", content, {
    chunkBytes: 30_000,
    ...(crc32 === undefined ? {} : { crc32 }),
  });
  connection.send(headOf(token, sent, "Content-Length"));
  const middle = sent.body.indexOf("MIDDLE") + 6;
  connection.send(sent.body.slice(0, middle));
  await expect.poll(() => target.received(), POLL).toContain("MIDDLE");
  return sent.body.slice(middle);
}

test.each(["NhCmhg==", undefined])(
  "a body streams: its begin arrives before its end is sent (checksum %s)",
  async (crc32) => {
    await using target = await startSilentTarget();
    const { token } = await exportBucket(target.url);
    await using connection = await openRawConnection(service.port);
    connection.send(await beginUpload(connection, target, token, crc32));
    const end = crc32 === undefined ? `${"b".repeat(10_006)}$` : `${CRC}:NhCmhg==\r\n\r\n\r\n0\r\n\r\n$`;
    await expect.poll(() => target.received(), POLL).toMatch(new RegExp(end));
  },
);

test.each(["NhCmhg==", undefined])(
  "a revoke in the middle aborts both sides (checksum %s)",
  async (crc32) => {
    await using target = await startSilentTarget();
    const { token, revoke } = await exportBucket(target.url);
    await using connection = await openRawConnection(service.port);
    await beginUpload(connection, target, token, crc32);
    expect(await call(service, revoke, { method: "POST" })).toMatchObject({ status: 202 });
    expect(await nextResponse(connection)).toMatchObject({ status: 401 });
    const received = target.received();
    connection.send("b".repeat(10_000));
    await connection.closed;
    expect(target.received()).toBe(received);
  },
);

test("a client that disconnects in the middle leaves the target with less than the whole", async () => {
  await using target = await startSilentTarget();
  const { token } = await exportBucket(target.url);
  const connection = await openRawConnection(service.port);
  await beginUpload(connection, target, token, undefined);
  await connection[Symbol.asyncDispose]();
  await expect.poll(() => service.logged(), POLL).toContain("client disconnected");
  expect(target.received()).not.toContain("b".repeat(10_006));
});

const BROKEN: readonly (readonly [name: string, form: AwsChunkedForm, (body: string) => string])[] = [
  ["bytes after the end", UNSIGNED_TRAILER, (body) => `${body}x`],
  ["an end before the last chunk", UNSIGNED_TRAILER, (body) => body.slice(0, body.lastIndexOf("0\r\n"))],
  ["an end within the trailers", UNSIGNED_TRAILER, (body) => body.slice(0, -4)],
  ["another trailer", UNSIGNED_TRAILER, (body) => body.replace(CRC, "x-amz-copy-source")],
  [
    "a signature in upper case",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    (body) => body.replace(/abcdef\r\n$/, "ABCDEF\r\n").replace("0;chunk-signature=0", "0;chunk-signature=A"),
  ],
  [
    "no signature of the last chunk",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    (body) => body.replace(/0;chunk-signature=[0-9a-f]+\r\n\r\n$/, "0\r\n\r\n"),
  ],
  [
    "another chunk than declared",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    (body) => body.replace(/0;chunk-signature=([0-9a-f]+)\r\n\r\n$/, "1;chunk-signature=$1\r\nx\r\n$&"),
  ],
];

test.each(BROKEN)("%s: a 400, and the target never has the whole body", async (_name, form, breakBody) => {
  const content = "content".repeat(1_000);
  const sent = awsChunked(form, content, { crc32: "NhCmhg==" });
  const broken = { ...sent, body: breakBody(sent.body) };
  expect(broken.body).not.toBe(sent.body);
  for (const framing of FRAMINGS) {
    await using target = await startSilentTarget();
    const { token } = await exportBucket(target.url);
    const response = await put(token, broken, framing);
    expect(response).toMatchObject({ status: 400 });
    expect(JSON.parse(response.body)).toMatchObject({ code: "invalid_field", message: /^body: expected / });
    expect(target.received()).not.toContain(`${content}\r\n0\r\n${CRC}`);
    if (form !== UNSIGNED_TRAILER) expect(target.received()).not.toContain(content);

    const before = plain.requests.length;
    const held = await exportBucket(plain.url);
    expect(await put(held.token, broken, framing)).toMatchObject({ status: 400 });
    expect(plain.requests).toHaveLength(before);
  }
});

test.each([
  [
    "no decoded length",
    UNSIGNED_TRAILER,
    (lines) => lines.filter((line) => !/decoded/i.test(line)),
    "X-Amz-Decoded-Content-Length",
  ],
  [
    "two decoded lengths",
    UNSIGNED_TRAILER,
    (lines) => [...lines, "x-amz-decoded-content-length: 1"],
    "X-Amz-Decoded-Content-Length",
  ],
  [
    "no STREAMING value",
    UNSIGNED_TRAILER,
    (lines) => lines.filter((line) => !/sha256/i.test(line)),
    "Content-Encoding",
  ],
  [
    "STREAMING with X-Payload-Sha256",
    UNSIGNED_TRAILER,
    (lines) => [...lines, `X-Payload-Sha256: ${sha256("x")}`],
    "X-Payload-Sha256",
  ],
  [
    "the chunks of event streams",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    (lines) => lines.map((line) => line.replace("PAYLOAD", "EVENTS")),
    "X-Amz-Content-Sha256",
  ],
  [
    "chunks signed with ECDSA",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    (lines) => lines.map((line) => line.replace("HMAC-SHA256", "ECDSA-P256-SHA256")),
    "X-Amz-Content-Sha256",
  ],
  [
    "a trailer that is no checksum",
    UNSIGNED_TRAILER,
    (lines) => [...lines, "x-amz-trailer: x-amz-meta-a"],
    "X-Amz-Trailer",
  ],
  ["a trailer with the name of a header", UNSIGNED_TRAILER, (lines) => [...lines, `${CRC}: AAAAAA==`], CRC],
] satisfies [string, AwsChunkedForm, (lines: readonly string[]) => readonly string[], string][])(
  "%s: a 400 that names the header, and nothing is sent",
  async (_name, form, change, field) => {
    for (const target of [plain, secure]) {
      const { token } = await exportBucket(target.url);
      const sent = awsChunked(form, "x", { crc32: "NhCmhg==" });
      const before = target.requests.length;
      const response = await put(token, { ...sent, headers: change(sent.headers) });
      expect(response).toMatchObject({ status: 400 });
      expect(JSON.parse(response.body).message).toMatch(new RegExp(`^${field}: expected `));
      expect(target.requests).toHaveLength(before);
    }
  },
);

test("a trailer in place of the target's own header is a 403, and nothing is sent", async () => {
  for (const target of [plain, secure]) {
    const { token } = await exportBucket(target.url, { [CRC]: "AAAAAA==" });
    const before = target.requests.length;
    const response = await put(token, awsChunked(UNSIGNED_TRAILER, "hello", { crc32: "NhCmhg==" }));
    expect(JSON.parse(response.body)).toMatchObject({ code: "header_not_allowed" });
    expect(target.requests).toHaveLength(before);
  }
});

test("without TLS, trailers that make the head too long are a 431, and nothing is sent", async () => {
  const names = Array.from({ length: 3 }, (_, at) => `x-amz-checksum-${at}`);
  const { headers } = awsChunked(UNSIGNED_TRAILER, "x");
  const trailers = names.map((name) => `${name}:${"a".repeat(1_000)}\r\n`).join("");
  const filler = Array.from({ length: 13 }, (_, at) => `X-Filler-${at}: ${"a".repeat(1_000)}`);
  const body = `1\r\nx\r\n0\r\n${trailers}\r\n`;
  const { token } = await exportBucket(plain.url);
  const announced = [...headers, `X-Amz-Trailer: ${names.join(",")}`];
  expect(await put(token, { headers: announced, body })).toMatchObject({ status: 200 });
  const before = plain.requests.length;
  expect(await put(token, { headers: [...announced, ...filler], body })).toMatchObject({ status: 431 });
  expect(plain.requests).toHaveLength(before);
});

test("a target without a signature gets the body as it came", async () => {
  const { token } = await exportTarget(service, { uri: plain.url });
  const sent = awsChunked("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "hello");
  expect(await put(token, sent)).toMatchObject({ status: 200 });
  const request = plain.requests.at(-1)!;
  expect(request.body.toString()).toBe(sent.body);
  expect(request.headers["content-encoding"]).toBe("aws-chunked");
});
