import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call } from "../../../testkit/src/client.ts";
import { deferred } from "../../../testkit/src/deferred.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import { OK_RESPONSE } from "../../../testkit/src/raw-responder.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startRawTarget } from "../../../testkit/src/target.ts";
import { acceptingResponse, handshakeLines, rawWebSocketServer } from "../../../testkit/src/websocket.ts";

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ limits: { upstreamResponseTimeoutMs: 2_000 } });
});
afterAll(() => service.close());

async function expectAlive(): Promise<void> {
  expect(await call(service, undefined, { path: "/healthz" })).toMatchObject({ status: 200 });
}

const OTHER_ACCEPT = "AAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/** The valid response with one line in place of another, or without it. */
function instead(name: string, line?: string): (request: string) => string {
  return (request) =>
    acceptingResponse(request)
      .split("\r\n")
      .flatMap((own) => (own.startsWith(`${name}:`) ? (line ?? []) : own))
      .join("\r\n");
}

const withLine = (line: string) => (request: string) => acceptingResponse(request, line);

test.each([
  ["no Sec-WebSocket-Accept", instead("Sec-WebSocket-Accept")],
  ["the Accept of another key", instead("Sec-WebSocket-Accept", `Sec-WebSocket-Accept: ${OTHER_ACCEPT}`)],
  ["two Accept", withLine(`Sec-WebSocket-Accept: ${OTHER_ACCEPT}`)],
  ["no Upgrade", instead("Upgrade")],
  [
    "no Upgrade, and a response after it",
    (request: string) => `${instead("Upgrade")(request)}${OK_RESPONSE}`,
  ],
  ["another protocol", instead("Upgrade", "Upgrade: h2c")],
  ["two protocols", instead("Upgrade", "Upgrade: websocket, h2c")],
  ["no Connection", instead("Connection")],
  ["Connection: close", instead("Connection", "Connection: close")],
  ["a subprotocol that was not offered", withLine("Sec-WebSocket-Protocol: other")],
  ["two subprotocols", withLine("Sec-WebSocket-Protocol: one\r\nSec-WebSocket-Protocol: two")],
  ["an extension that was not offered", withLine("Sec-WebSocket-Extensions: permessage-deflate")],
  ["20 KiB of a header", withLine(`X: ${"x".repeat(20 * 1024)}`)],
  ["20 KiB of headers", withLine("X: xxxxxxxx\r\n".repeat(2_300).trimEnd())],
  ["CR in a value", withLine("X: a\rSet-Cookie: e=1")],
  ["a control character in an extension", withLine("Sec-WebSocket-Extensions: offered; a=\x01")],
  [
    "17 informational responses before",
    (request: string) => `${"HTTP/1.1 103 Hints\r\n\r\n".repeat(17)}${acceptingResponse(request)}`,
  ],
  ["half a head", (request: string) => acceptingResponse(request).slice(0, 60)],
])("a target's 101 with %s becomes a 502, and nothing of it reaches the client", async (_what, respond) => {
  await using target = await startRawTarget(
    rawWebSocketServer(respond, (socket) => {
      socket.on("error", () => undefined);
      socket.write("CANARY", () => void setTimeout(() => socket.end(), 50));
    }),
  );
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  const offers = ["Sec-WebSocket-Protocol: one, two", "Sec-WebSocket-Extensions: offered"];
  connection.send(requestHead(token, { headers: [...handshakeLines(), ...offers] }));
  const response = await nextResponse(connection);
  expect([response.status, JSON.parse(response.body).code]).toEqual([502, "invalid_target_response"]);
  expect(response.headers.get("proxy-status")?.[0]).toMatch(/^membrane; error=/);
  await connection.closed;
  expect(connection.received()).not.toContain("CANARY");
  await expectAlive();
});

test("a 101 without Upgrade is a 502, though the target says nothing more and keeps its connection", async () => {
  await using target = await startRawTarget(rawWebSocketServer(instead("Upgrade")));
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, { headers: handshakeLines() }));
  expect(await nextResponse(connection)).toMatchObject({ status: 502 });
});

test("a 101 to a request that is no handshake is a 502", async () => {
  await using target = await startRawTarget(rawWebSocketServer(acceptingResponse));
  const { token } = await exportTarget(service, { uri: target.url });
  const response = await call(service, token, {
    headers: { "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" },
  });
  expect(response).toMatchObject({ status: 502, json: { code: "invalid_target_response" } });
});

test("a target that does not respond to a handshake is a 504", async () => {
  await using target = await startRawTarget(rawWebSocketServer(() => ""));
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, { headers: handshakeLines() }));
  expect(await nextResponse(connection)).toMatchObject({ status: 504 });
});

test("bytes that are no frames pass in both directions unchanged, since the service reads none", async () => {
  const garbage = randomBytes(300_000);
  await using target = await startRawTarget(
    rawWebSocketServer(acceptingResponse, (socket) => {
      socket.write(garbage);
      socket.on("data", (chunk) => socket.write(chunk));
    }),
  );
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, { headers: handshakeLines() }));
  const isTwice = (text: string): boolean => text.length >= text.indexOf("\r\n\r\n") + 4 + 2 * garbage.length;
  connection.send(garbage);
  const received = await connection.until((text) => text.includes("\r\n\r\n") && isTwice(text));
  const body = Buffer.from(received.slice(received.indexOf("\r\n\r\n") + 4), "latin1");
  expect(body.equals(Buffer.concat([garbage, garbage]))).toBe(true);
});

test("a client that disconnects before the 101 ends the request to the target", async () => {
  const ended = deferred<void>();
  const asked = deferred<void>();
  await using target = await startRawTarget(
    rawWebSocketServer(
      () => "",
      (socket) => {
        socket.on("close", () => ended.resolve());
        asked.resolve();
      },
    ),
  );
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, { headers: handshakeLines() }));
  await asked.promise;
  connection.socket.end();
  await ended.promise;
  await connection.closed;
  expect(connection.received()).toBe("");
});

test("a handshake whose head comes byte by byte is accepted, and one that stops is a 408", async () => {
  await using hasty = await startTestService({ limits: { requestHeaderTimeoutMs: 1_000 } });
  await using target = await startRawTarget(rawWebSocketServer(acceptingResponse));
  const { token } = await exportTarget(hasty, { uri: target.url });
  const head = requestHead(token, { headers: handshakeLines() });
  await using slow = await openRawConnection(hasty.port);
  for (const byte of head) slow.send(byte);
  await slow.until((text) => text.startsWith("HTTP/1.1 101 "));
  await using stopped = await openRawConnection(hasty.port);
  stopped.send(head.slice(0, -2));
  expect(await nextResponse(stopped)).toMatchObject({ status: 408 });
});

/** What asks for another protocol and does not get it. */
const NOT_GRANTED: readonly (readonly [what: string, head: string])[] = [
  [
    "a public route",
    "GET /healthz HTTP/1.1\r\nHost: membrane.test\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
  ],
  [
    "a request without a token",
    "GET / HTTP/1.1\r\nHost: membrane.test\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
  ],
  ["a preflight", "OPTIONS / HTTP/1.1\r\nHost: membrane.test\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"],
  [
    "a handshake of HTTP/1.0",
    "GET /healthz HTTP/1.0\r\nHost: membrane.test\r\nConnection: keep-alive, upgrade\r\nUpgrade: websocket\r\n\r\n",
  ],
];

test.each(NOT_GRANTED)(
  "what follows %s that asks for another protocol is never read as a separate request",
  async (_what, head) => {
    await using connection = await openRawConnection(service.port);
    // Node's parser drops the POST, and would read its body as the next request.
    connection.send(`${head}POST / HTTP/1.1\r\nHost: membrane.test\r\nContent-Length: 500\r\n\r\n`);
    await nextResponse(connection);
    connection.send("GET /healthz HTTP/1.1\r\nHost: membrane.test\r\n\r\n");
    await connection.closed;
    expect(connection.received().match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
  },
);
