import { afterAll, beforeAll, expect, test } from "vitest";
import { call } from "../src/testkit/client.ts";
import { AWS_KEY, isRightlySigned, sha256 } from "../src/testkit/aws4-judge.ts";
import { openDoor } from "../src/testkit/door.ts";
import { startTestService } from "../src/testkit/service.ts";
import type { TestService } from "../src/testkit/service.ts";
import { startRawTarget, startTarget } from "../src/testkit/target.ts";
import type { TestTarget } from "../src/testkit/target.ts";
import { makeCertificate, startTlsTarget } from "../src/testkit/tls-target.ts";
import { nextAnswer, openWire, requestHead } from "../src/testkit/wire.ts";
import type { WireAnswer } from "../src/testkit/wire.ts";

const HELD = 64 * 1024;
const LARGE = 32 * 1024 * 1024;
const SMALL = ["Content-Length: 4"];
const TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

let service: TestService;
let plain: TestTarget;
let secure: TestTarget;
let ca: string;

beforeAll(async () => {
  const certificate = await makeCertificate("127.0.0.1");
  ca = certificate.ca;
  service = await startTestService({ limits: { heldBodyBytes: HELD } });
  plain = await startTarget();
  secure = await startTlsTarget(certificate);
});
afterAll(async () => {
  await service.close();
  await plain[Symbol.asyncDispose]();
  await secure[Symbol.asyncDispose]();
});

function signedBy(name: string): object {
  return { hmac: { "aws4-hmac-sha256": { ...AWS_KEY, service: name } } };
}

/** Sends a body with Content-Length, or in chunks, and the headers as they are. */
async function send(
  door: string,
  body: string,
  options: { readonly chunked?: boolean; readonly headers?: readonly string[] } = {},
): Promise<WireAnswer> {
  const { chunked = false, headers = [] } = options;
  const framing = chunked ? "Transfer-Encoding: chunked" : `Content-Length: ${body.length}`;
  const framed = chunked ? `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body;
  await using wire = await openWire(service.port);
  wire.send(requestHead(door, { line: "PUT / HTTP/1.1", headers: [framing, ...headers] }) + framed);
  return await nextAnswer(wire);
}

test.each([
  ["lambda", false],
  ["lambda", true],
  ["s3", false],
  ["s3", true],
])("a body for %s over plain http is hashed (chunked: %s)", async (name, chunked) => {
  const { door } = await openDoor(service, { uri: `${plain.url}key`, ...signedBy(name) });
  const body = "the body".repeat(1_000);
  expect(await send(door, body, { chunked })).toMatchObject({ status: 200 });
  const request = plain.requests.at(-1)!;
  expect(request.body.toString()).toBe(body);
  expect(request.headers["x-amz-content-sha256"]).toBe(sha256(body));
  expect(isRightlySigned(request, name)).toBe(true);
});

test.each(["lambda", "s3"])("without a body the hash of nothing is signed for %s", async (name) => {
  const { door } = await openDoor(service, { uri: `${plain.url}a%20b/c`, ...signedBy(name) });
  for (const method of ["GET", "POST", "DELETE"]) {
    expect(await call(service, door, { method })).toMatchObject({ status: 200 });
    const request = plain.requests.at(-1)!;
    expect(request.headers["x-amz-content-sha256"]).toBe(sha256(""));
    expect(isRightlySigned(request, name)).toBe(true);
  }
});

test.each([true, false])(
  "with X-Payload-Sha256 a body over the limit streams, and the hash is signed (chunked: %s)",
  async (chunked) => {
    const { door } = await openDoor(service, { uri: plain.url, ...signedBy("lambda") });
    const body = "x".repeat(HELD * 4);
    const headers = [`X-Payload-Sha256: ${sha256(body).toUpperCase()}`];
    expect(await send(door, body, { chunked, headers })).toMatchObject({ status: 200 });
    const request = plain.requests.at(-1)!;
    expect(request.body).toHaveLength(body.length);
    expect(request.headers["x-amz-content-sha256"]).toBe(sha256(body));
    expect(request.headers).not.toHaveProperty("x-payload-sha256");
    expect(isRightlySigned(request, "lambda")).toBe(true);
  },
);

test.each(["", "abc", "g".repeat(64), `${"a".repeat(64)}0`])(
  "X-Payload-Sha256: %s is a 400",
  async (value) => {
    const { door } = await openDoor(service, { uri: plain.url, ...signedBy("lambda") });
    const answer = await send(door, "body", { headers: [`X-Payload-Sha256: ${value}`] });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body).message).toContain("X-Payload-Sha256");
  },
);

test("over https a body of known length streams to S3 unsigned, whatever its size", async () => {
  const { door } = await openDoor(service, { uri: `${secure.url}b/k`, tls: { ca }, ...signedBy("s3") });
  const body = "x".repeat(HELD * 4);
  expect(await send(door, body)).toMatchObject({ status: 200 });
  const request = secure.requests.at(-1)!;
  expect(request.body).toHaveLength(body.length);
  expect(request.headers["x-amz-content-sha256"]).toBe("UNSIGNED-PAYLOAD");
  expect(isRightlySigned(request, "s3")).toBe(true);
});

test("over https a body of unknown length for S3, and any body for others, is held and hashed", async () => {
  for (const [name, chunked] of [
    ["s3", true],
    ["lambda", false],
  ] as const) {
    const { door } = await openDoor(service, { uri: secure.url, tls: { ca }, ...signedBy(name) });
    expect(await send(door, "the body", { chunked })).toMatchObject({ status: 200 });
    const request = secure.requests.at(-1)!;
    expect(request.headers["x-amz-content-sha256"]).toBe(sha256("the body"));
    expect(isRightlySigned(request, name)).toBe(true);
  }
});

test(`${TRAILER} of the requester is kept to S3 over https, with what describes the body`, async () => {
  const { door } = await openDoor(service, { uri: secure.url, tls: { ca }, ...signedBy("s3") });
  const body = "4\r\nbody\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
  const headers = [
    `X-Amz-Content-Sha256: ${TRAILER}`,
    "X-Amz-Trailer: x-amz-checksum-crc32",
    "X-Amz-Decoded-Content-Length: 4",
    "Content-Encoding: aws-chunked",
  ];
  expect(await send(door, body, { headers })).toMatchObject({ status: 200 });
  const request = secure.requests.at(-1)!;
  expect(request.body.toString()).toBe(body);
  expect(request.headers).toMatchObject({
    "x-amz-content-sha256": TRAILER,
    "x-amz-trailer": "x-amz-checksum-crc32",
    "x-amz-decoded-content-length": "4",
    "content-encoding": "aws-chunked",
  });
  expect(isRightlySigned(request, "s3")).toBe(true);
});

test.each([
  "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
  "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
  "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
  "streaming-anything",
])("%s of the requester is a 400: its chunks are not signed with the target's key", async (value) => {
  const { door } = await openDoor(service, { uri: secure.url, tls: { ca }, ...signedBy("s3") });
  const answer = await send(door, "body", { headers: [`x-amz-content-sha256: ${value}`] });
  expect(answer.status).toBe(400);
  expect(JSON.parse(answer.body).message).toContain("X-Amz-Content-Sha256");
});

test.each([true, false])("a held body may have exactly the limit (chunked: %s)", async (chunked) => {
  const { door } = await openDoor(service, { uri: plain.url, ...signedBy("lambda") });
  const body = "x".repeat(HELD);
  expect(await send(door, body, { chunked })).toMatchObject({ status: 200 });
  expect(plain.requests.at(-1)?.body).toHaveLength(HELD);
});

test.each([
  ["Content-Length", 1, false],
  ["chunks", 1, true],
  ["Content-Length", 64 * 1024 * 1024, false],
  ["chunks", 64 * 1024 * 1024, true],
])("a body in %s, %i bytes over the limit, is a 413 that names the way out", async (_name, over, chunked) => {
  await using target = await startRawTarget(() => undefined);
  const { door } = await openDoor(service, { uri: target.url, ...signedBy("lambda") });
  const answer = await send(door, "x".repeat(HELD + over), { chunked });
  expect(answer.status).toBe(413);
  expect(answer.headers.get("connection")).toEqual(["close"]);
  expect(answer.headers.get("proxy-status")).toEqual(["membrane; error=http_request_denied"]);
  expect(JSON.parse(answer.body)).toMatchObject({ message: expect.stringContaining("X-Payload-Sha256") });
  expect(target.received()).toBe("");
});

test.each([
  ["Content-Length", `Content-Length: ${LARGE}`, ""],
  ["chunks", "Transfer-Encoding: chunked", `${LARGE.toString(16)}\r\n`],
])(
  "a requester that reads nothing before it has sent a body in %s gets its 413 all the same",
  async (_name, framing, start) => {
    const { door } = await openDoor(service, { uri: plain.url, ...signedBy("lambda") });
    await using wire = await openWire(service.port);
    wire.socket.pause();
    wire.send(requestHead(door, { line: "PUT / HTTP/1.1", headers: [framing] }) + start);
    const sent = new Promise((resolve) => wire.socket.write(Buffer.alloc(LARGE), resolve));
    expect(await sent).toBeFalsy();
    wire.socket.resume();
    expect(await nextAnswer(wire)).toMatchObject({ status: 413 });
  },
);

test("a requester that expects 100 gets it once its capability was checked, and the body is signed", async () => {
  const { door } = await openDoor(service, { uri: plain.url, ...signedBy("lambda") });
  await using wire = await openWire(service.port);
  const headers = ["Expect: 100-continue", "Content-Length: 4"];
  wire.send(requestHead(door, { line: "POST / HTTP/1.1", headers }));
  const { rest } = await nextAnswer(wire);
  expect([wire.received().slice(0, 12), rest]).toEqual(["HTTP/1.1 100", ""]);
  wire.send("body");
  expect(await nextAnswer(wire, { from: wire.received().length })).toMatchObject({ status: 200 });
  expect(isRightlySigned(plain.requests.at(-1)!, "lambda")).toBe(true);
});

test.each([
  ["no token", () => undefined, { headers: SMALL }, 401],
  ["an unknown token", () => `CPBLTY1-${"A".repeat(86)}`, { headers: SMALL }, 401],
  ["a path that is not allowed", (door: string) => door, { line: "POST /x HTTP/1.1", headers: SMALL }, 404],
  ["a body over the limit", (door: string) => door, { headers: [`Content-Length: ${HELD + 1}`] }, 413],
])("with %s there is neither a 100 nor a connection to the target", async (_name, token, head, status) => {
  let connections = 0;
  await using target = await startRawTarget(() => void (connections += 1));
  const { door } = await openDoor(service, { uri: target.url, ...signedBy("lambda") });
  await using wire = await openWire(service.port);
  const headers = ["Expect: 100-continue", ...head.headers];
  wire.send(requestHead(token(door), { line: "POST / HTTP/1.1", ...head, headers }));
  expect(await nextAnswer(wire)).toMatchObject({ status });
  expect(wire.received()).not.toContain("HTTP/1.1 100");
  expect(connections).toBe(0);
});
