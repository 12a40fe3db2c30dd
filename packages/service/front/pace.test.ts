import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { openDoor } from "../src/testkit/door.ts";
import { startNginx } from "../src/testkit/nginx.ts";
import { promised } from "../src/testkit/promised.ts";
import { startTestService } from "../src/testkit/service.ts";
import { speaker } from "../src/testkit/speaker.ts";
import { startRawTarget, startStreamingTarget } from "../src/testkit/target.ts";
import { nextAnswer, openWire, requestHead } from "../src/testkit/wire.ts";

test("a body that does not come is the service's 408, and not nginx's", async () => {
  await using service = await startTestService({ limits: { bodyIdleMs: 400, senderBytesPerSecond: 1_000 } });
  await using nginx = await startNginx(service.port);
  await using target = await startStreamingTarget((request) => void request.resume());
  const { door } = await openDoor(service, { uri: target.url });
  await using wire = await openWire(nginx.port, nginx.ca);
  wire.send(`${requestHead(door, { line: "POST / HTTP/1.1", headers: ["Content-Length: 9"] })}half`);
  const answer = await nextAnswer(wire);
  expect([answer.status, JSON.parse(answer.body).code]).toEqual([408, "request_timeout"]);
});

test("a client of nginx that stops reading is cut by the service, and its answer does not look whole", async () => {
  await using service = await startTestService({
    limits: { readerIdleMs: 400, readerBytesPerSecond: 1_000 },
  });
  await using nginx = await startNginx(service.port);
  const said = promised<Socket>();
  await using target = await startRawTarget(
    speaker("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4000000\r\n", (socket) => {
      socket.write(Buffer.alloc(64 * 1024 * 1024, "x"));
      said.resolve(socket);
    }),
  );
  const { door } = await openDoor(service, { uri: target.url });
  await using wire = await openWire(nginx.port, nginx.ca);
  wire.socket.pause();
  wire.send(requestHead(door));
  const socket = await said.promise;
  await new Promise((resolve) => socket.on("close", resolve));
  wire.socket.resume();
  await wire.closed;
  await expect(nextAnswer(wire)).rejects.toThrow("the connection");
  expect(service.logged()).toContain('"answer broken off"');
});
