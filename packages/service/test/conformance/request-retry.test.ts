import { connect } from "node:net";
import type { Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, createMembrane, exportThrough } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { OK_RESPONSE } from "../../../testkit/src/raw-responder.ts";
import { startRawTarget, startRawTlsTarget, startTarget } from "../../../testkit/src/target.ts";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";
import type { TestCertificate } from "../../../testkit/src/tls-target.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import { startOtherProcess } from "../support/other-process.ts";

/*
 * A target may close a kept-alive connection just when the next request is sent on it. Only then a request that changes nothing is
 * sent once more, on a new connection (RFC 9112 §9.3.1).
 */

const ROUNDS = 20;

let service: TestService;
let other: ServiceProcess;
let certificate: TestCertificate;
beforeAll(async () => {
  service = await startTestService();
  other = await startOtherProcess(service);
  certificate = await makeCertificate("127.0.0.1");
});
afterAll(async () => {
  await other[Symbol.asyncDispose]();
  await service.close();
});

interface Requests {
  /** The number of each request on its connection, in the order of their arrival. */
  readonly turns: number[];
}

/** Responds to the first request on each connection, and calls `then` for the next one. */
function closing(then: (socket: Socket) => void): Requests & { readonly serve: (socket: Socket) => void } {
  const turns: number[] = [];
  return {
    turns,
    serve(socket) {
      let turn = 0;
      let head = "";
      socket.on("data", (chunk) => {
        head += chunk.toString("latin1");
        if (!head.includes("\r\n\r\n")) return;
        head = "";
        turn += 1;
        turns.push(turn);
        if (turn === 1) socket.write(OK_RESPONSE);
        else then(socket);
      });
    },
  };
}

const END = (socket: Socket): void => void socket.end();
const RESET = (socket: Socket): void => void socket.resetAndDestroy();

async function request(token: string, method: string, headers: readonly string[] = [], body = "") {
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, { line: `${method} / HTTP/1.1`, headers }) + body);
  return (await nextResponse(connection, { method })).status;
}

test.each([
  ["GET", "ends it", END],
  ["HEAD", "ends it", END],
  ["OPTIONS", "ends it", END],
  ["GET", "resets it", RESET],
])(
  "%s on a kept-alive connection that its target %s just then: sent once more, on a new one",
  async (...row) => {
    const [method, _how, then] = row;
    for (let round = 0; round < ROUNDS; round += 1) {
      const { serve, turns } = closing(then);
      await using target = await startRawTarget(serve);
      const { token } = await exportTarget(service, { uri: target.url });
      expect([await request(token, "GET"), await request(token, method)]).toEqual([200, 200]);
      expect(turns).toEqual([1, 2, 1]);
    }
  },
);

test("a request is also sent once more over TLS", async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const { serve, turns } = closing(END);
    await using target = await startRawTlsTarget(certificate, serve);
    const { token } = await exportTarget(service, { uri: target.url, tls: { ca: certificate.ca } });
    expect([await request(token, "GET"), await request(token, "GET")]).toEqual([200, 200]);
    expect(turns).toEqual([1, 2, 1]);
  }
});

test("many concurrent requests on kept-alive connections that end are each sent once more", async () => {
  const { serve, turns } = closing(END);
  await using target = await startRawTarget(serve);
  const { token } = await exportTarget(service, { uri: target.url });
  for (let round = 0; round < 5; round += 1) {
    const statuses = await Promise.all(Array.from({ length: 10 }, () => request(token, "GET")));
    expect(new Set(statuses)).toEqual(new Set([200]));
  }
  expect(turns.filter((turn) => turn === 1)).toHaveLength(50);
});

test.each([
  ["POST", ["Content-Length: 0"], ""],
  ["PUT", ["Content-Length: 4"], "body"],
  ["PUT without a body", [], ""],
  ["PATCH without a body", [], ""],
  ["DELETE", [], ""],
  ["GET with a body", ["Content-Length: 4"], "body"],
  ["GET with a body in chunks", ["Transfer-Encoding: chunked"], "4\r\nbody\r\n0\r\n\r\n"],
])("%s is never sent a second time", async (method, headers, body) => {
  const { serve, turns } = closing(END);
  await using target = await startRawTarget(serve);
  const { token } = await exportTarget(service, { uri: target.url });
  expect(await request(token, "GET")).toBe(200);
  expect(await request(token, method.split(" ")[0]!, headers, body)).toBe(502);
  expect(turns).toEqual([1, 2]);
});

test.each([
  ["an incomplete head", "HTTP/1.1 200 OK\r\n"],
  ["the first letter of a response", "H"],
  ["an informational response", "HTTP/1.1 103 Early Hints\r\n\r\n"],
  ["garbage", "garbage"],
])("after %s a request is not sent a second time", async (_what, bytes) => {
  const { serve, turns } = closing((socket) => void socket.end(bytes));
  await using target = await startRawTarget(serve);
  const { token } = await exportTarget(service, { uri: target.url });
  expect([await request(token, "GET"), await request(token, "GET")]).toEqual([200, 502]);
  expect(turns).toEqual([1, 2]);
});

test("a request that fails on a new connection is not sent a second time", async () => {
  let connections = 0;
  await using target = await startRawTarget((socket) => {
    connections += 1;
    socket.once("data", () => socket.end());
  });
  const { token } = await exportTarget(service, { uri: target.url });
  expect(await request(token, "GET")).toBe(502);
  expect(connections).toBe(1);
});

test("a request is not sent a third time", async () => {
  const seen: string[] = [];
  await using target = await startRawTarget((socket) => {
    socket.on("data", (chunk) => {
      seen.push(String(chunk));
      if (seen.length === 1) socket.write(OK_RESPONSE);
      else socket.end();
    });
  });
  const { token } = await exportTarget(service, { uri: target.url });
  expect([await request(token, "GET"), await request(token, "GET")]).toEqual([200, 502]);
  expect(seen).toHaveLength(3);
});

test("a request to a target that does not respond in time is not sent a second time", async () => {
  const { serve, turns } = closing(() => undefined);
  await using target = await startRawTarget(serve);
  const { token } = await exportTarget(service, { uri: target.url });
  const { token: hastyToken } = await exportTarget(service, { uri: target.url, timeoutMs: 300 });
  expect([await request(token, "GET"), await request(hastyToken, "GET")]).toEqual([200, 504]);
  expect(turns).toEqual([1, 2]);
});

test("a request that is revoked before it would be sent once more is not sent", async () => {
  const membrane = await createMembrane(service, service.tokens.create, "revoked-between");
  const { serve, turns } = closing((socket) => {
    // Another process revokes, so this one learns of it only by the check before the first byte.
    void call(other, membrane.revoke).then(() => socket.end());
  });
  await using target = await startRawTarget(serve);
  const token = await exportThrough(service, membrane.export, { uri: target.url });
  expect([await request(token, "GET"), await request(token, "GET")]).toEqual([200, 401]);
  expect(turns).toEqual([1, 2]);
});

test("a request that was not begun when its connection ended is sent on another one, whatever its method", async () => {
  const sockets: Socket[] = [];
  await using target = await startTarget((_request, response) => void response.end("ok"));
  await using between = await startRawTarget((socket) => {
    sockets.push(socket);
    const onward = connect(target.port, "127.0.0.1").on("error", () => undefined);
    socket.pipe(onward).pipe(socket);
  });
  const { token } = await exportTarget(service, { uri: between.url });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token));
  expect((await nextResponse(connection)).status).toBe(200);
  const from = connection.received().length;
  // Both are in flight when the service next reads its connections.
  connection.send(`${requestHead(token, { line: "POST / HTTP/1.1", headers: ["Content-Length: 4"] })}body`);
  sockets.forEach((socket) => socket.destroy());
  expect((await nextResponse(connection, { from })).status).toBe(200);
  expect(target.requests.map(({ method, body }) => [method, String(body)])).toEqual([
    ["GET", ""],
    ["POST", "body"],
  ]);
});
