import { afterAll, beforeAll, expect, test } from "vitest";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import type { RawResponse } from "../../../testkit/src/raw-connection.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import type { WebSocketTarget } from "../../../testkit/src/websocket.ts";
import {
  closeCode,
  handshakeLines,
  nextMessage,
  openWebSocket,
  startWebSocketTarget,
} from "../../../testkit/src/websocket.ts";

/* The limits of a capability (docs/limits.md) hold for the handshake of a WebSocket as for any request. */

let service: TestService;
let target: WebSocketTarget;
beforeAll(async () => {
  service = await startTestService();
  target = await startWebSocketTarget();
});
afterAll(async () => {
  await Promise.all([service.close(), target[Symbol.asyncDispose]()]);
});

async function exportLimited(limits: object, openings: object = {}): Promise<string> {
  return (await exportTarget(service, { uri: target.url, ...openings, limits })).token;
}

/** The response to a handshake that is refused. */
async function refusalOf(token: string, path = "/"): Promise<RawResponse> {
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, { line: `GET ${path} HTTP/1.1`, headers: handshakeLines() }));
  return await nextResponse(connection);
}

test("a WebSocket is one use, however much passes", async () => {
  const token = await exportLimited({ maxUses: 1 });
  const socket = await openWebSocket(service, token);
  for (const text of ["one", "two", "three"]) {
    socket.send(text);
    expect(await nextMessage(socket)).toBe(text);
  }
  const { length } = target.handshakes;
  expect((await refusalOf(token)).status).toBe(401);
  expect(target.handshakes).toHaveLength(length);
  socket.terminate();
});

test("maxBodyBytes counts what the client sends after the handshake, and cuts both sides at the first byte over it", async () => {
  const token = await exportLimited({ maxBodyBytes: 1_000 });
  const socket = await openWebSocket(service, token);
  const before = target.sockets.length;
  const codes = [closeCode(socket), closeCode(target.sockets[before - 1]!)];
  // With the frame's head and mask, 992 bytes of a message are 1,000.
  socket.send("x".repeat(992));
  expect(await nextMessage(socket)).toHaveLength(992);
  socket.send("y");
  expect(await Promise.all(codes)).toEqual([1_006, 1_006]);
  expect(service.logged()).toContain('"cause":"BODY_TOO_LARGE"');
});

test("methods checks the GET of a handshake", async () => {
  expect((await refusalOf(await exportLimited({ methods: ["POST"] }))).status).toBe(405);
  const socket = await openWebSocket(service, await exportLimited({ methods: ["GET"] }));
  socket.terminate();
});

test("paths checks the path of a handshake, which is appended to the target's", async () => {
  const token = await exportLimited({ paths: ["/v1/*"] }, { allowPath: true });
  expect((await refusalOf(token, "/v2/realtime")).status).toBe(403);
  const socket = await openWebSocket({ url: `${service.url}/v1/realtime` }, token);
  expect(target.handshakes.at(-1)?.url).toBe("/v1/realtime");
  socket.terminate();
});

test("the fields of a handshake pass, whatever headers says", async () => {
  const token = await exportLimited({ headers: { "x-one": true } });
  const socket = await openWebSocket(service, token, {
    protocols: ["chosen"],
    headers: { "X-One": "1", "X-Two": "2" },
  });
  const { headers } = target.handshakes.at(-1)!;
  expect(headers).toMatchObject({ "x-one": "1", "sec-websocket-protocol": "chosen" });
  expect(headers).not.toHaveProperty("x-two");
  expect(socket.protocol).toBe("chosen");
  socket.terminate();
});
