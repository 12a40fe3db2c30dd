import type { Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { OK_RESPONSE, rawResponder } from "../../../testkit/src/raw-responder.ts";
import { startRawTarget, startTarget } from "../../../testkit/src/target.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";

/*
 * The holder of an `export` capability chooses the target, so a target may be an attacker that sends invalid HTTP. Its response is
 * either passed on with one meaning only, or becomes a 502; nothing crashes and nothing hangs.
 */

const CANARY = "canary-of-the-target";

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.close());

async function expectAlive(): Promise<void> {
  await using target = await startTarget();
  const { token } = await exportTarget(service, { uri: target.url });
  expect(await call(service, token)).toMatchObject({ status: 200, text: "ok" });
}

test.each([
  ["the status 99", "HTTP/1.1 99 Low\r\nContent-Length: 2\r\n\r\nok"],
  ["the status 099", "HTTP/1.1 099 Low\r\nContent-Length: 2\r\n\r\nok"],
  ["the status 000", "HTTP/1.1 000 None\r\nContent-Length: 2\r\n\r\nok"],
  ["the status 600", "HTTP/1.1 600 High\r\nContent-Length: 2\r\n\r\nok"],
  ["the status 999", "HTTP/1.1 999 High\r\nContent-Length: 2\r\n\r\nok"],
  ["a status of four digits", "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok"],
  ["no status", "HTTP/1.1 OK\r\nContent-Length: 2\r\n\r\nok"],
  ["two equal Content-Length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok"],
  ["two different Content-Length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"],
  ["a list of Content-Length", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok"],
  ["a negative Content-Length", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok"],
  [
    "Content-Length together with chunked",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
  ],
  [
    "chunked together with Content-Length",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n",
  ],
  ["the transfer coding gzip", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nzipped"],
  [
    "the transfer coding gzip, chunked",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
  ],
  [
    "the transfer coding chunked, gzip",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n2\r\nok\r\n0\r\n\r\n",
  ],
  [
    "transfer codings in two lines",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
  ],
  ["the transfer coding xchunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"],
  ["20 KiB of one header", `HTTP/1.1 200 OK\r\nX: ${"a".repeat(20 * 1024)}\r\nContent-Length: 2\r\n\r\nok`],
  ["20 KiB of headers", `HTTP/1.1 200 OK\r\n${"X: aaaaaaaa\r\n".repeat(2_300)}Content-Length: 2\r\n\r\nok`],
  ["17 informational responses", `${"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(17)}${OK_RESPONSE}`],
  ["10,000 informational responses", `${"HTTP/1.1 102 Processing\r\n\r\n".repeat(10_000)}${OK_RESPONSE}`],
  ["an unsolicited 101", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nRAW"],
  ["an unsolicited 101 without Upgrade", `HTTP/1.1 101 Switching\r\n\r\n${OK_RESPONSE}`],
  ["17 times 100", `${"HTTP/1.1 100 Continue\r\n\r\n".repeat(17)}${OK_RESPONSE}`],
  ["lines that end with LF only", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok"],
  ["NUL in a value", "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nok"],
  ["CR in a value", "HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: e=1\r\nContent-Length: 2\r\n\r\nok"],
  ["a control character in a value", "HTTP/1.1 200 OK\r\nX: a\x01b\r\nContent-Length: 2\r\n\r\nok"],
  ["DEL in a value", "HTTP/1.1 200 OK\r\nX: a\x7fb\r\nContent-Length: 2\r\n\r\nok"],
  ["a space before the colon", "HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 2\r\n\r\nok"],
  ["a header without a name", "HTTP/1.1 200 OK\r\n: a\r\nContent-Length: 2\r\n\r\nok"],
  ["a parenthesis in a name", "HTTP/1.1 200 OK\r\nX(: a\r\nContent-Length: 2\r\n\r\nok"],
  ["HTTP/0.9", "hello without a head"],
  ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n"],
  ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
  ["zeros", "\0".repeat(4_096)],
])("a target's response with %s becomes a 502", async (_name, bytes) => {
  await using target = await startRawTarget(rawResponder(bytes, (socket) => void socket.end()));
  const { token } = await exportTarget(service, { uri: target.url });
  const response = await call(service, token);
  expect(response).toMatchObject({ status: 502, json: { code: "invalid_target_response" } });
  expect(response.headers["proxy-status"]).toBe("membrane; error=http_response_incomplete");
  await expectAlive();
});

test.each([
  ["a body shorter than Content-Length", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok"],
  ["a truncated chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"],
  ["no last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"],
  ["no end of the last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"],
  [
    "a chunk size that is not a number",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n",
  ],
  ["LF after a chunk size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\n\n"],
  [
    "a chunk larger than its size",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nok\r\n0\r\n\r\n",
  ],
])("a response with %s is aborted and never looks complete", async (_name, bytes) => {
  await using target = await startRawTarget(rawResponder(bytes, (socket) => void socket.end()));
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token));
  await connection.closed;
  expect(connection.received()).not.toMatch(/\r\n0\r\n\r\n$/);
  await expect(nextResponse(connection)).rejects.toThrow("the connection");
  await expectAlive();
});

test("an aborted body to an HTTP/1.0 client ends with a reset, since an end in order would complete it", async () => {
  await using target = await startRawTarget(
    rawResponder(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
      (socket) => void socket.end(),
    ),
  );
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, { line: "GET / HTTP/1.0" }));
  expect(await connection.closed).toBe("reset");
});

test.each([
  ["closes at once", (socket: Socket) => void socket.end()],
  ["resets at once", (socket: Socket) => void socket.resetAndDestroy()],
  ["closes after the request", rawResponder("", (socket) => void socket.end())],
  ["resets after the request", rawResponder("", (socket) => void socket.resetAndDestroy())],
  ["closes within its head", rawResponder("HTTP/1.1 200 OK\r\nX: ", (socket) => void socket.end())],
])("a target that %s becomes a 502", async (_name, onConnection) => {
  await using target = await startRawTarget(onConnection);
  const { token } = await exportTarget(service, { uri: target.url });
  expect(await call(service, token)).toMatchObject({ status: 502 });
  expect(await call(service, token, { body: "a body" })).toMatchObject({ status: 502 });
  await expectAlive();
});

test("bytes after a body never become the response of the next request", async () => {
  const poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Poison: 1\r\n\r\npoison";
  let connections = 0;
  await using target = await startRawTarget((socket) => {
    connections += 1;
    rawResponder(connections === 1 ? OK_RESPONSE + poison : OK_RESPONSE)(socket);
  });
  const { token } = await exportTarget(service, { uri: target.url });
  for (let round = 0; round < 3; round += 1) {
    const response = await call(service, token);
    expect(response).toMatchObject({ status: 200, text: "ok" });
    expect(response.headers).not.toHaveProperty("x-poison");
  }
  expect(connections).toBeGreaterThan(1);
});

test("the body of a 204 is not taken for the next response, and its Content-Length is not passed on", async () => {
  await using target = await startRawTarget(
    rawResponder("HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok"),
  );
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  let from = 0;
  for (let round = 0; round < 3; round += 1) {
    connection.send(requestHead(token));
    const response = await nextResponse(connection, { from });
    expect(response).toMatchObject({ status: 204, rest: "" });
    expect(response.headers.has("content-length")).toBe(false);
    from = connection.received().length;
  }
});

test("up to 16 informational responses are dropped, and the response after them is passed on", async () => {
  const bytes = `${`HTTP/1.1 103 Early Hints\r\nLink: <${CANARY}>\r\n\r\n`.repeat(16)}${OK_RESPONSE}`;
  await using target = await startRawTarget(rawResponder(bytes));
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token));
  expect(await nextResponse(connection)).toMatchObject({ status: 200, body: "ok", rest: "" });
  expect(connection.received()).not.toContain(CANARY);
});

test.each([
  ["in one piece with the response", ["HTTP/1.1 100 Continue\r\n\r\n" + OK_RESPONSE]],
  ["alone", ["HTTP/1.1 100 Continue\r\n\r\n", OK_RESPONSE]],
  ["twice", ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n", OK_RESPONSE]],
])("an unrequested 100, %s, is dropped, and the response after it is passed on", async (_how, pieces) => {
  await using target = await startRawTarget(
    (socket) =>
      void socket.on("data", async () => {
        for (const piece of pieces) {
          socket.write(piece);
          for (let turn = 0; turn < 10; turn += 1) await setImmediate();
        }
      }),
  );
  const { token } = await exportTarget(service, { uri: target.url });
  for (let round = 0; round < 3; round += 1) {
    expect(await call(service, token)).toMatchObject({ status: 200, text: "ok" });
    expect(await call(service, token, { body: "a body" })).toMatchObject({ status: 200, text: "ok" });
  }
});

test("2,000 small headers are all passed on, or the response is refused: none is dropped silently", async () => {
  const lines = Array.from({ length: 1_200 }, (_, index) => `X${index}: 1\r\n`).join("");
  await using target = await startRawTarget(
    rawResponder(`HTTP/1.1 200 OK\r\n${lines}Content-Length: 2\r\n\r\nok`),
  );
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token));
  const response = await nextResponse(connection);
  expect(response).toMatchObject({ status: 200, body: "ok" });
  expect(response.headers.has("x0") && response.headers.has("x1199")).toBe(true);
});
