import { afterAll, beforeAll, expect, test } from "vitest";
import { call } from "../../../testkit/src/client.ts";
import { AWS_KEY, isCorrectlySigned, sha256 } from "../../../testkit/src/aws4-reference.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startRawTarget, startTarget } from "../../../testkit/src/target.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { makeCertificate, startTlsTarget } from "../../../testkit/src/tls-target.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import type { RawResponse } from "../../../testkit/src/raw-connection.ts";

const HELD = 64 * 1024;
const LARGE = 32 * 1024 * 1024;
const SMALL = ["Content-Length: 4"];

let service: TestService;
let plain: TestTarget;
let secure: TestTarget;
let ca: string;

beforeAll(async () => {
  const certificate = await makeCertificate("127.0.0.1");
  ca = certificate.ca;
  service = await startTestService({ limits: { bufferedBodyBytes: HELD } });
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

/** Sends a body with Content-Length, or in chunks, with these headers. */
async function send(
  token: string,
  body: string,
  options: { readonly chunked?: boolean; readonly headers?: readonly string[] } = {},
): Promise<RawResponse> {
  const { chunked = false, headers = [] } = options;
  const framing = chunked ? "Transfer-Encoding: chunked" : `Content-Length: ${body.length}`;
  const framed = chunked ? `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body;
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, { line: "PUT / HTTP/1.1", headers: [framing, ...headers] }) + framed);
  return await nextResponse(connection);
}

test.each([
  ["lambda", false],
  ["lambda", true],
  ["s3", false],
  ["s3", true],
])("a body for %s over plain http is hashed (chunked: %s)", async (name, chunked) => {
  const { token } = await exportTarget(service, { uri: `${plain.url}key`, ...signedBy(name) });
  const body = "the body".repeat(1_000);
  expect(await send(token, body, { chunked })).toMatchObject({ status: 200 });
  const request = plain.requests.at(-1)!;
  expect(request.body.toString()).toBe(body);
  expect(request.headers["x-amz-content-sha256"]).toBe(sha256(body));
  expect(isCorrectlySigned(request, name)).toBe(true);
});

test.each(["lambda", "s3"])("without a body, the hash of an empty body is signed for %s", async (name) => {
  const { token } = await exportTarget(service, { uri: `${plain.url}a%20b/c`, ...signedBy(name) });
  for (const method of ["GET", "POST", "DELETE"]) {
    expect(await call(service, token, { method })).toMatchObject({ status: 200 });
    const request = plain.requests.at(-1)!;
    expect(request.headers["x-amz-content-sha256"]).toBe(sha256(""));
    expect(isCorrectlySigned(request, name)).toBe(true);
  }
});

test.each([true, false])(
  "with X-Payload-Sha256 a body over the limit streams, and the hash is signed (chunked: %s)",
  async (chunked) => {
    const { token } = await exportTarget(service, { uri: plain.url, ...signedBy("lambda") });
    const body = "x".repeat(HELD * 4);
    const headers = [`X-Payload-Sha256: ${sha256(body).toUpperCase()}`];
    expect(await send(token, body, { chunked, headers })).toMatchObject({ status: 200 });
    const request = plain.requests.at(-1)!;
    expect(request.body).toHaveLength(body.length);
    expect(request.headers["x-amz-content-sha256"]).toBe(sha256(body));
    expect(request.headers).not.toHaveProperty("x-payload-sha256");
    expect(isCorrectlySigned(request, "lambda")).toBe(true);
  },
);

test.each(["", "abc", "g".repeat(64), `${"a".repeat(64)}0`])(
  "X-Payload-Sha256: %s is a 400",
  async (value) => {
    const { token } = await exportTarget(service, { uri: plain.url, ...signedBy("lambda") });
    const response = await send(token, "body", { headers: [`X-Payload-Sha256: ${value}`] });
    expect(response.status).toBe(400);
    expect(JSON.parse(response.body).message).toContain("X-Payload-Sha256");
  },
);

test("over https a body of known length is streamed to S3 unsigned, whatever its size", async () => {
  const { token } = await exportTarget(service, { uri: `${secure.url}b/k`, tls: { ca }, ...signedBy("s3") });
  const body = "x".repeat(HELD * 4);
  expect(await send(token, body)).toMatchObject({ status: 200 });
  const request = secure.requests.at(-1)!;
  expect(request.body).toHaveLength(body.length);
  expect(request.headers["x-amz-content-sha256"]).toBe("UNSIGNED-PAYLOAD");
  expect(isCorrectlySigned(request, "s3")).toBe(true);
});

test("over https a body of unknown length for S3, and any body for other services, is buffered and hashed", async () => {
  for (const [name, chunked] of [
    ["s3", true],
    ["lambda", false],
  ] as const) {
    const { token } = await exportTarget(service, { uri: secure.url, tls: { ca }, ...signedBy(name) });
    expect(await send(token, "the body", { chunked })).toMatchObject({ status: 200 });
    const request = secure.requests.at(-1)!;
    expect(request.headers["x-amz-content-sha256"]).toBe(sha256("the body"));
    expect(isCorrectlySigned(request, name)).toBe(true);
  }
});

test.each([true, false])(
  "a hash in X-Amz-Content-Sha256, which S3's clients send, has a body over the limit stream (chunked: %s)",
  async (chunked) => {
    const { token } = await exportTarget(service, { uri: plain.url, ...signedBy("s3") });
    const body = "x".repeat(HELD * 4);
    const headers = [`X-Amz-Content-Sha256: ${sha256(body)}`];
    expect(await send(token, body, { chunked, headers })).toMatchObject({ status: 200 });
    const request = plain.requests.at(-1)!;
    expect(request.body).toHaveLength(body.length);
    expect(request.headers["x-amz-content-sha256"]).toBe(sha256(body));
    expect(isCorrectlySigned(request, "s3")).toBe(true);
  },
);

test.each([true, false])("a buffered body may have exactly the limit (chunked: %s)", async (chunked) => {
  const { token } = await exportTarget(service, { uri: plain.url, ...signedBy("lambda") });
  const body = "x".repeat(HELD);
  expect(await send(token, body, { chunked })).toMatchObject({ status: 200 });
  expect(plain.requests.at(-1)?.body).toHaveLength(HELD);
});

test.each([
  ["Content-Length", 1, false],
  ["chunks", 1, true],
  ["Content-Length", 64 * 1024 * 1024, false],
  ["chunks", 64 * 1024 * 1024, true],
])(
  "a body in %s, %i bytes over the limit, is a 413 that names the alternative",
  async (_name, over, chunked) => {
    await using target = await startRawTarget(() => undefined);
    const { token } = await exportTarget(service, { uri: target.url, ...signedBy("lambda") });
    const response = await send(token, "x".repeat(HELD + over), { chunked });
    expect(response.status).toBe(413);
    expect(response.headers.get("connection")).toEqual(["close"]);
    expect(response.headers.get("proxy-status")).toEqual(["membrane; error=http_request_denied"]);
    expect(JSON.parse(response.body)).toMatchObject({ message: expect.stringContaining("X-Payload-Sha256") });
    expect(target.received()).toBe("");
  },
);

test.each([
  ["Content-Length", `Content-Length: ${LARGE}`, ""],
  ["chunks", "Transfer-Encoding: chunked", `${LARGE.toString(16)}\r\n`],
])(
  "a client that sends a whole body in %s before it reads still gets its 413",
  async (_name, framing, start) => {
    const { token } = await exportTarget(service, { uri: plain.url, ...signedBy("lambda") });
    await using connection = await openRawConnection(service.port);
    connection.socket.pause();
    connection.send(requestHead(token, { line: "PUT / HTTP/1.1", headers: [framing] }) + start);
    const sent = new Promise((resolve) => connection.socket.write(Buffer.alloc(LARGE), resolve));
    expect(await sent).toBeFalsy();
    connection.socket.resume();
    expect(await nextResponse(connection)).toMatchObject({ status: 413 });
  },
);

test("a client that expects 100 gets it after its capability was checked, and the body is signed", async () => {
  const { token } = await exportTarget(service, { uri: plain.url, ...signedBy("lambda") });
  await using connection = await openRawConnection(service.port);
  const headers = ["Expect: 100-continue", "Content-Length: 4"];
  connection.send(requestHead(token, { line: "POST / HTTP/1.1", headers }));
  const { rest } = await nextResponse(connection);
  expect([connection.received().slice(0, 12), rest]).toEqual(["HTTP/1.1 100", ""]);
  connection.send("body");
  expect(await nextResponse(connection, { from: connection.received().length })).toMatchObject({
    status: 200,
  });
  expect(isCorrectlySigned(plain.requests.at(-1)!, "lambda")).toBe(true);
});

test.each([
  ["no token", () => undefined, { headers: SMALL }, 401],
  ["an unknown token", () => `CPBLTY1-${"A".repeat(86)}`, { headers: SMALL }, 401],
  ["a path that is not allowed", (token: string) => token, { line: "POST /x HTTP/1.1", headers: SMALL }, 404],
  ["a body over the limit", (token: string) => token, { headers: [`Content-Length: ${HELD + 1}`] }, 413],
])("with %s there is neither a 100 nor a connection to the target", async (_name, token, head, status) => {
  let connections = 0;
  await using target = await startRawTarget(() => void (connections += 1));
  const { token: exported } = await exportTarget(service, { uri: target.url, ...signedBy("lambda") });
  await using connection = await openRawConnection(service.port);
  const headers = ["Expect: 100-continue", ...head.headers];
  connection.send(requestHead(token(exported), { line: "POST / HTTP/1.1", ...head, headers }));
  expect(await nextResponse(connection)).toMatchObject({ status });
  expect(connection.received()).not.toContain("HTTP/1.1 100");
  expect(connections).toBe(0);
});
