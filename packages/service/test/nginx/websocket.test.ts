import { afterAll, beforeAll, expect, test } from "vitest";
import { call, expectStatus } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import type { TestNginx } from "../../../testkit/src/nginx.ts";
import { startNginx } from "../../../testkit/src/nginx.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { WebSocketTarget } from "../../../testkit/src/websocket.ts";
import {
  closeCode,
  handshakeLines,
  nextMessage,
  openWebSocket,
  startWebSocketTarget,
} from "../../../testkit/src/websocket.ts";

let service: TestService;
let nginx: TestNginx;
let target: WebSocketTarget;
beforeAll(async () => {
  service = await startTestService({ trustedProxies: ["127.0.0.1/32"] });
  nginx = await startNginx(service.port);
  target = await startWebSocketTarget();
});
afterAll(async () => {
  await Promise.all([nginx[Symbol.asyncDispose](), service.close(), target[Symbol.asyncDispose]()]);
});

test("messages of a WebSocket pass through nginx in both directions, and a revoke cuts it", async () => {
  const { token, revoke } = await exportTarget(service, { uri: target.url });
  const socket = await openWebSocket(nginx, token, { ca: nginx.ca });
  for (const text of ["first", "x".repeat(300_000)]) {
    socket.send(text);
    expect(await nextMessage(socket)).toBe(text);
  }
  const codes = [closeCode(socket), closeCode(target.sockets.at(-1)!)];
  expectStatus(await call(service, revoke), 202);
  expect(await Promise.all(codes)).toEqual([1_006, 1_006]);
});

test("a close with a code passes through nginx", async () => {
  const { token } = await exportTarget(service, { uri: target.url });
  const socket = await openWebSocket(nginx, token, { ca: nginx.ca });
  const closed = closeCode(target.sockets.at(-1)!);
  socket.close(3_001);
  expect(await closed).toBe(3_001);
});

test("a refused handshake and an offer of another protocol get ordinary responses through nginx", async () => {
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(nginx.port, nginx.ca);
  connection.send(requestHead("unknown", { headers: handshakeLines() }));
  expect(await nextResponse(connection)).toMatchObject({ status: 401 });
  await using other = await openRawConnection(nginx.port, nginx.ca);
  other.send(requestHead(token, { headers: ["Connection: Upgrade", "Upgrade: TLS/1.0"] }));
  expect(await nextResponse(other)).toMatchObject({ status: 200, body: "no WebSocket" });
});
