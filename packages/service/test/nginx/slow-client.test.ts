import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { startNginx } from "../../../testkit/src/nginx.ts";
import { deferred } from "../../../testkit/src/deferred.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { rawResponder } from "../../../testkit/src/raw-responder.ts";
import { startRawTarget, startStreamingTarget } from "../../../testkit/src/target.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";

test("a body that does not arrive is a 408 of the service, not of nginx", async () => {
  await using service = await startTestService({
    limits: { requestRateWindowMs: 400, minRequestRate: 1_000 },
  });
  await using nginx = await startNginx(service.port);
  await using target = await startStreamingTarget((request) => void request.resume());
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(nginx.port, nginx.ca);
  connection.send(`${requestHead(token, { line: "POST / HTTP/1.1", headers: ["Content-Length: 9"] })}half`);
  const response = await nextResponse(connection);
  expect([response.status, JSON.parse(response.body).code]).toEqual([408, "request_timeout"]);
});

test("the service aborts the response to a client of nginx that stops reading, and it does not look complete", async () => {
  await using service = await startTestService({
    limits: { responseRateWindowMs: 400, minResponseRate: 1_000 },
  });
  await using nginx = await startNginx(service.port);
  const said = deferred<Socket>();
  await using target = await startRawTarget(
    rawResponder("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4000000\r\n", (socket) => {
      socket.write(Buffer.alloc(64 * 1024 * 1024, "x"));
      said.resolve(socket);
    }),
  );
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(nginx.port, nginx.ca);
  connection.socket.pause();
  connection.send(requestHead(token));
  const socket = await said.promise;
  await new Promise((resolve) => socket.on("close", resolve));
  connection.socket.resume();
  await connection.closed;
  await expect(nextResponse(connection)).rejects.toThrow("the connection");
  expect(service.logged()).toContain('"response aborted"');
});
