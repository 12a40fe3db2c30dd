import { connect } from "node:net";
import type { Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { deferred } from "../../../testkit/src/deferred.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { rawResponder } from "../../../testkit/src/raw-responder.ts";
import { startRawTarget } from "../../../testkit/src/target.ts";
import { makeCertificate, startTlsTarget } from "../../../testkit/src/tls-target.ts";
import { openRawConnection, readRawResponse, requestHead } from "../../../testkit/src/raw-connection.ts";

/*
 * A body without a length is complete when its connection ends in order (RFC 9112, section 6.3) and incomplete when it ends with a
 * reset (section 8). An attacker who can send one packet with RST must not be able to shorten a list of permissions.
 */

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.close());

/** Invokes, waits for half of the body, ends the target's connection, and reads the rest of the response. */
async function readAcross(
  target: { readonly uri: string; readonly tls?: object },
  end: () => void,
): Promise<string | undefined> {
  const { token } = await exportTarget(service, target);
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, { headers: ["Connection: close"] }));
  await connection.until((received) => received.includes("half"));
  end();
  await connection.closed;
  return readRawResponse(connection.received())?.body;
}

test.each([
  ["a reset is aborted", (socket: Socket) => void socket.resetAndDestroy(), undefined],
  ["the end of the connection is complete", (socket: Socket) => void socket.end(), "half"],
])("a body without a length that ends with %s", async (_name, end, body) => {
  const responding = deferred<Socket>();
  await using target = await startRawTarget(rawResponder("HTTP/1.1 200 OK\r\n\r\nhalf", responding.resolve));
  const socket = responding.promise;
  expect(await readAcross({ uri: target.url }, () => void socket.then(end))).toBe(body);
});

test("a body without a length whose last bytes arrive together with a reset is aborted", async () => {
  await using target = await startRawTarget(
    (socket) =>
      void socket.once("data", () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\nhalf");
        socket.resetAndDestroy();
      }),
  );
  for (let round = 0; round < 10; round += 1) {
    expect(await readAcross({ uri: target.url }, () => undefined)).toBeUndefined();
  }
});

test("a body without a length that ends with a reset under TLS is aborted", async () => {
  const certificate = await makeCertificate("127.0.0.1");
  await using target = await startTlsTarget(certificate, (_request, response) => {
    response.useChunkedEncodingByDefault = false;
    response.removeHeader("connection");
    response.shouldKeepAlive = false;
    response.write("half");
  });
  const connections: Socket[] = [];
  await using between = await startRawTarget((socket) => {
    connections.push(socket);
    const onward = connect(target.port, "127.0.0.1").on("error", () => undefined);
    socket.pipe(onward).pipe(socket);
  });
  const uri = `https://127.0.0.1:${between.port}/`;
  const reset = (): void => connections.forEach((socket) => void socket.resetAndDestroy());
  expect(await readAcross({ uri, tls: { ca: certificate.ca } }, reset)).toBeUndefined();
});
