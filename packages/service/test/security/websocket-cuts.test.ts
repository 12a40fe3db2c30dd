import { once } from "node:events";
import { expect, test } from "vitest";
import { call, createMembrane, exportThrough, expectStatus, uriOf } from "../../../testkit/src/client.ts";
import { initDataDirectory } from "../../../testkit/src/data-directory.ts";
import { deferred } from "../../../testkit/src/deferred.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { spawnService } from "../../../testkit/src/process.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import { startTestService, TEST_AUTHORITY } from "../../../testkit/src/service.ts";
import { startRawTarget } from "../../../testkit/src/target.ts";
import {
  acceptingResponse,
  closeCode,
  handshakeLines,
  nextMessage,
  openWebSocket,
  rawWebSocketServer,
  startWebSocketTarget,
} from "../../../testkit/src/websocket.ts";

test("a revoke cuts the WebSockets of all descendants, on both sides, and no others", async () => {
  await using service = await startTestService();
  await using target = await startWebSocketTarget();
  const [membrane, other] = [
    await createMembrane(service, service.tokens.create, "revoked"),
    await createMembrane(service, service.tokens.create, "other"),
  ];
  const source = await exportThrough(service, membrane.export, { uri: target.url });
  const delegated = await exportThrough(service, other.export, { capability: uriOf(service, source) });
  const unrelated = await exportThrough(service, other.export, { uri: target.url });
  const doomed = [await openWebSocket(service, source), await openWebSocket(service, delegated)];
  const codes = [...doomed, ...target.sockets].map(closeCode);
  const stays = await openWebSocket(service, unrelated);

  expectStatus(await call(service, membrane.revoke), 202);
  expect(await Promise.all(codes)).toEqual([1_006, 1_006, 1_006, 1_006]);

  stays.send("still here");
  expect(await nextMessage(stays)).toBe("still here");
  stays.terminate();
  expect(service.logged()).toMatch(/"status":101,[^\n]*"cause":"REVOKED","msg":"response aborted"/);
});

test("an idle WebSocket is cut when its capability expires", async () => {
  await using service = await startTestService();
  await using target = await startWebSocketTarget();
  const { token } = await exportTarget(service, { uri: target.url, limits: { ttlMs: 2_000 } });
  const socket = await openWebSocket(service, token);
  const codes = [closeCode(socket), closeCode(target.sockets[0]!)];
  expect(await Promise.all(codes)).toEqual([1_006, 1_006]);
  expect(service.logged()).toMatch(/"status":101,[^\n]*"cause":"EXPIRED","msg":"response aborted"/);
});

test("a revoke at another process cuts an idle WebSocket without any further request", async () => {
  await using data = await initDataDirectory();
  await using first = await spawnService(data.path);
  await using second = await spawnService(data.path);
  await using target = await startWebSocketTarget();
  const membrane = await createMembrane(second, data.tokens.create, "revoked");
  const source = await exportThrough(second, membrane.export, { uri: target.url });
  const other = await createMembrane(second, data.tokens.create, "other");
  const capability = uriOf({ authority: TEST_AUTHORITY }, source);
  const delegated = await exportThrough(second, other.export, { capability });
  const socket = await openWebSocket(first, delegated);
  const codes = [closeCode(socket), closeCode(target.sockets[0]!)];
  expectStatus(await call(second, membrane.revoke), 202);
  expect(await Promise.all(codes)).toEqual([1_006, 1_006]);
});

test("a revoke cuts a WebSocket whose sides send without pause, and nothing passes after it", async () => {
  await using service = await startTestService();
  await using target = await startWebSocketTarget({
    onSocket(socket) {
      const send = (): void => {
        if (socket.readyState === socket.OPEN) socket.send(Buffer.alloc(64 * 1024), send);
      };
      send();
    },
  });
  const { token, revoke } = await exportTarget(service, { uri: target.url });
  const socket = await openWebSocket(service, token);
  await once(socket, "message");
  const closed = closeCode(socket);
  expectStatus(await call(service, revoke), 202);
  expect(await closed).toBe(1_006);
});

test("a revoke between the handshake and the target's 101 is a 401, and the target's connection ends", async () => {
  await using service = await startTestService();
  const asked = deferred<() => void>();
  const ended = deferred<void>();
  await using target = await startRawTarget(
    rawWebSocketServer(
      () => "",
      (socket) => {
        socket.on("close", () => ended.resolve());
        asked.resolve(() => void socket.write(acceptingResponse("")));
      },
    ),
  );
  const { token, revoke } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, { headers: handshakeLines() }));
  const accept = await asked.promise;
  expectStatus(await call(service, revoke), 202);
  accept();
  expect(await nextResponse(connection)).toMatchObject({ status: 401 });
  await ended.promise;
});

test("a stop of the service ends its WebSockets within its time", async () => {
  const service = await startTestService({ limits: { shutdownTimeoutMs: 500 } });
  await using target = await startWebSocketTarget();
  const { token } = await exportTarget(service, { uri: target.url });
  const socket = await openWebSocket(service, token);
  const codes = [closeCode(socket), closeCode(target.sockets[0]!)];
  await service.close();
  expect(await Promise.all(codes)).toEqual([1_006, 1_006]);
});

test("a WebSocket is logged once, at its end, with its duration and the bytes of both directions", async () => {
  // Without time, it ends for no other reason.
  await using service = await startTestService({ monotonic: () => 0 });
  await using target = await startWebSocketTarget();
  const { token } = await exportTarget(service, { uri: target.url });
  const socket = await openWebSocket(service, token);
  socket.send("hello");
  await nextMessage(socket);
  const before = service.logged();
  expect(before).not.toContain('"upstreamStatus":101');
  socket.close();
  await once(socket, "close");
  await expect.poll(() => service.logged()).toContain('"upstreamStatus":101');
  const line = JSON.parse(
    service
      .logged()
      .split("\n")
      .find((text) => text.includes('"upstreamStatus":101'))!,
  );
  // A frame of the client has 4 bytes more: its mask. Each side also sends a Close frame of two bytes.
  expect(line).toMatchObject({ msg: "invoked", status: 101, bytes: 7 + 2, receivedBytes: 11 + 6 });
  expect(line.durationMs).toBeTypeOf("number");
});
