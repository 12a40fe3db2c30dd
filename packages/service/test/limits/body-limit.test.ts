import { afterAll, beforeAll, expect, test } from "vitest";
import { AWS_KEY } from "../../../testkit/src/aws4-reference.ts";
import { call, exportThrough, uriOf } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import { rawResponderAfterBody, OK_RESPONSE } from "../../../testkit/src/raw-responder.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startRawTarget, startStreamingTarget, startTarget } from "../../../testkit/src/target.ts";

const LIMIT = 10;

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.close());

const CHUNKED = "Transfer-Encoding: chunked";

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

test("a body that declares to be longer is a 413 before a connection, and without a 100", async () => {
  await using target = await startRawTarget(() => undefined);
  const { token } = await exportTarget(service, { uri: target.url, limits: { maxBodyBytes: LIMIT } });
  await using connection = await openRawConnection(service.port);
  const headers = ["Expect: 100-continue", `Content-Length: ${LIMIT + 1}`];
  connection.send(requestHead(token, { line: "POST / HTTP/1.1", headers }));
  const response = await nextResponse(connection);
  expect(response.status).toBe(413);
  expect(JSON.parse(response.body)).toMatchObject({
    code: "body_too_large",
    message: expect.stringContaining("10"),
  });
  expect(response.headers.get("proxy-status")).toEqual(["membrane; error=http_request_denied"]);
  expect(target.received()).toBe("");
});

test("a body of exactly the limit passes, declared or in chunks; of a chain the smallest limit counts", async () => {
  await using target = await startTarget();
  const first = await exportTarget(service, { uri: target.url, limits: { maxBodyBytes: 1_000 } });
  const capability = uriOf(service, first.token);
  const token = await exportThrough(service, first.export, { capability, limits: { maxBodyBytes: LIMIT } });
  expect(await call(service, token, { body: "x".repeat(LIMIT) })).toMatchObject({ status: 200 });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, { line: "POST / HTTP/1.1", headers: [CHUNKED] }));
  connection.send(`${chunk("x".repeat(LIMIT - 1))}${chunk("y")}0\r\n\r\n`);
  expect(await nextResponse(connection)).toMatchObject({ status: 200 });
  expect(target.requests.map(({ body }) => body.length)).toEqual([LIMIT, LIMIT]);
  expect(await call(service, token, { body: "x".repeat(LIMIT + 1) })).toMatchObject({ status: 413 });
});

test("a chunked body is aborted at the byte on both sides, with a 413 if the target has not responded", async () => {
  await using target = await startRawTarget(rawResponderAfterBody(OK_RESPONSE));
  const { token } = await exportTarget(service, { uri: target.url, limits: { maxBodyBytes: LIMIT } });
  await using connection = await openRawConnection(service.port);
  connection.send(
    requestHead(token, { line: "POST / HTTP/1.1", headers: [CHUNKED] }) + chunk("x".repeat(LIMIT)),
  );
  await expect.poll(() => target.received()).toContain("x".repeat(LIMIT));
  connection.send(chunk("over"));
  const response = await nextResponse(connection);
  expect(response.status).toBe(413);
  expect(JSON.parse(response.body)).toMatchObject({ code: "body_too_large" });
  expect(target.received()).not.toContain("over");
  // The request at the target has no end.
  expect(target.received()).not.toContain("\r\n0\r\n");
  expect(await connection.closed).toBeDefined();
});

test("once the response has begun, a body that passes the limit ends it, and it never looks whole", async () => {
  await using target = await startStreamingTarget((request, response) => {
    response.writeHead(200).write("begun");
    request.resume().on("error", () => undefined);
  });
  const { token } = await exportTarget(service, { uri: target.url, limits: { maxBodyBytes: LIMIT } });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, { line: "POST / HTTP/1.1", headers: [CHUNKED] }) + chunk("a"));
  await connection.until((received) => received.includes("begun"));
  connection.send(chunk("x".repeat(LIMIT)));
  await connection.closed;
  expect(connection.received()).toContain("HTTP/1.1 200");
  expect(connection.received()).not.toMatch(/\r\n0\r\n\r\n$/);
});

test("a chunked body that is held for a signature is a 413 at the byte, and nothing is sent", async () => {
  await using target = await startRawTarget(() => undefined);
  const hmac = { "aws4-hmac-sha256": { ...AWS_KEY, service: "lambda" } };
  const { token } = await exportTarget(service, { uri: target.url, hmac, limits: { maxBodyBytes: LIMIT } });
  await using connection = await openRawConnection(service.port);
  connection.send(
    requestHead(token, { line: "POST / HTTP/1.1", headers: [CHUNKED] }) + chunk("x".repeat(LIMIT + 1)),
  );
  const response = await nextResponse(connection);
  expect(response.status).toBe(413);
  expect(JSON.parse(response.body)).toMatchObject({ code: "body_too_large" });
  expect(target.received()).toBe("");
});

test("of an aws-chunked body the decoded bytes count, not the frames", async () => {
  await using target = await startTarget();
  const hmac = { "aws4-hmac-sha256": { ...AWS_KEY, service: "s3" } };
  const { token } = await exportTarget(service, { uri: target.url, hmac, limits: { maxBodyBytes: LIMIT } });
  const send = (text: string) =>
    call(service, token, {
      method: "PUT",
      body: `${chunk(text)}0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n`,
      headers: {
        "content-encoding": "aws-chunked",
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-decoded-content-length": String(text.length),
        "x-amz-trailer": "x-amz-checksum-crc32",
      },
    });
  expect(await send("x".repeat(LIMIT))).toMatchObject({ status: 200 });
  expect(target.requests.at(-1)?.body.toString()).toBe("x".repeat(LIMIT));
  expect(await send("x".repeat(LIMIT + 1))).toMatchObject({ status: 413, json: { code: "body_too_large" } });
  expect(target.requests).toHaveLength(1);
});

test("no body at all satisfies a limit of zero bytes", async () => {
  await using target = await startTarget();
  const { token } = await exportTarget(service, { uri: target.url, limits: { maxBodyBytes: 0 } });
  expect(await call(service, token)).toMatchObject({ status: 200 });
  expect(await call(service, token, { body: "x" })).toMatchObject({ status: 413 });
});
