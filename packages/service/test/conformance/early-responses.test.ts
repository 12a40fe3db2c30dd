import type { Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { deferred } from "../../../testkit/src/deferred.ts";
import { OK_RESPONSE } from "../../../testkit/src/raw-responder.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startRawTarget, startRawTlsTarget } from "../../../testkit/src/target.ts";
import type { RawTarget } from "../../../testkit/src/target.ts";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";
import type { TestCertificate } from "../../../testkit/src/tls-target.ts";
import {
  nextResponse,
  openRawConnection,
  readRawResponse,
  requestHead,
} from "../../../testkit/src/raw-connection.ts";
import type { RawConnection } from "../../../testkit/src/raw-connection.ts";

/*
 * A target may respond before it has read the request, and close: 413 for a body that is too large, 403 for one that it does not
 * allow. The next write to it fails although the response has arrived (RFC 9112 §9.5). In each round the client's next piece is
 * in flight before the target responds and closes, all in one turn of the event loop, so that the write fails before the response
 * is read.
 */

const ROUNDS = 200;
const FEWER_ROUNDS = 25;
const PIECE = Buffer.alloc(256 * 1024, "x");
const BODY = 20 * 1024 * 1024;
/** More than the kernel takes at once, and less than the service buffers. */
const HELD = "x".repeat(7 * 1024 * 1024);

let service: TestService;
let certificate: TestCertificate;
beforeAll(async () => {
  service = await startTestService();
  certificate = await makeCertificate("127.0.0.1");
});
afterAll(() => service.close());

const WITH_LENGTH = "HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\ntoo large";
const CLOSING = WITH_LENGTH.replace("\r\n", "\r\nConnection: close\r\n");
const IN_CHUNKS =
  "HTTP/1.1 413 Too Large\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ntoo \r\n5\r\nlarge\r\n0\r\n\r\n";
const WITHOUT_LENGTH = "HTTP/1.1 413 Too Large\r\n\r\ntoo large";

const SIGNING_KEY = { awsAccessKeyId: "A", region: "r", service: "lambda", secretAccessKey: "s" };

type Framing = "length" | "chunked";

/** Writes the response and closes with the request unread, which resets the connection right after the response. */
function closes(response: string): (socket: Socket) => void {
  return (socket) => {
    socket.write(response);
    socket.destroy();
  };
}

/** Writes the response, ends its side in order, then resets. */
function endsAndResets(response: string): (socket: Socket) => void {
  return (socket) => {
    socket.on("finish", () => socket.destroy());
    socket.end(response);
  };
}

/** A target that reads only the beginning of a request, and the connections on which it has read it. */
function unreading(): { readonly serve: (socket: Socket) => void; next(): Promise<Socket> } {
  let asked = deferred<Socket>();
  return {
    serve: (socket) =>
      void socket.once("data", () => {
        socket.pause();
        asked.resolve(socket);
      }),
    async next() {
      const socket = await asked.promise;
      asked = deferred();
      return socket;
    },
  };
}

async function startUnreading(isTls: boolean): Promise<RawTarget & { next(): Promise<Socket> }> {
  const { serve, next } = unreading();
  const target = await (isTls ? startRawTlsTarget(certificate, serve) : startRawTarget(serve));
  return { ...target, next };
}

/** Returns everything that the client receives. It has more to send; the target calls `act` once it has read the beginning. */
async function ask(
  token: string,
  framing: Framing,
  target: { next(): Promise<Socket> },
  act: (socket: Socket) => void,
): Promise<string> {
  await using connection = await openRawConnection(service.port);
  const length = framing === "length" ? `Content-Length: ${BODY}` : "Transfer-Encoding: chunked";
  connection.send(requestHead(token, { line: "PUT / HTTP/1.1", headers: [length] }));
  sendPiece(connection, framing);
  const socket = await target.next();
  // Waits until the rest of the first piece has arrived, which is not read.
  for (let turn = 0; turn < 10; turn += 1) await setImmediate();
  sendPiece(connection, framing);
  act(socket);
  await connection.closed;
  return connection.received();
}

function sendPiece(connection: RawConnection, framing: Framing): void {
  if (framing === "length") connection.send(PIECE);
  else
    connection.send(
      Buffer.concat([Buffer.from(`${PIECE.length.toString(16)}\r\n`), PIECE, Buffer.from("\r\n")]),
    );
}

/** Counts the responses that the client received, by their text. */
async function count(rounds: number, isTls: boolean, framing: Framing, act: (socket: Socket) => void) {
  await using target = await startUnreading(isTls);
  const tls = isTls ? { tls: { ca: certificate.ca } } : {};
  const { token } = await exportTarget(service, { uri: target.url, ...tls });
  const responses = new Map<string, number>();
  for (let round = 0; round < rounds; round += 1) {
    const received = await ask(token, framing, target, act);
    const response = readRawResponse(received);
    const what =
      response === undefined ? `cut: ${received.slice(0, 20)}` : `${response.status} ${response.body}`;
    responses.set(what, (responses.get(what) ?? 0) + 1);
  }
  return Object.fromEntries(responses);
}

test(`none of ${ROUNDS} early responses of a target that closes with the body unread is lost`, async () => {
  expect(await count(ROUNDS, false, "length", closes(WITH_LENGTH))).toEqual({ "413 too large": ROUNDS });
});

test.each([
  ["with its length, to a body in chunks", false, "chunked", closes(WITH_LENGTH)],
  ["that says it closes", false, "length", closes(CLOSING)],
  ["in chunks", false, "length", closes(IN_CHUNKS)],
  ["in chunks, to a body in chunks", false, "chunked", closes(IN_CHUNKS)],
  ["that ends in order before a reset", false, "length", endsAndResets(WITH_LENGTH)],
  ["without a length that ends in order before a reset", false, "length", endsAndResets(WITHOUT_LENGTH)],
  ["over TLS", true, "length", closes(WITH_LENGTH)],
  ["over TLS in chunks, to a body in chunks", true, "chunked", closes(IN_CHUNKS)],
  ["over TLS that ends in order before a reset", true, "length", endsAndResets(WITH_LENGTH)],
  ["over TLS without a length that ends in order", true, "length", endsAndResets(WITHOUT_LENGTH)],
] as const)("no early response %s is lost", async (_what, isTls, framing, act) => {
  expect(await count(FEWER_ROUNDS, isTls, framing, act)).toEqual({ "413 too large": FEWER_ROUNDS });
});

test("an early response without a length that ends with a reset keeps its status and never looks complete", async () => {
  const responses = await count(FEWER_ROUNDS, false, "length", (socket) => {
    socket.write(WITHOUT_LENGTH);
    socket.resetAndDestroy();
  });
  expect(responses).toEqual({ "cut: HTTP/1.1 413 Too Lar": FEWER_ROUNDS });
});

test("an early response without a length never looks complete if a reset follows while much of the request is unsent", async () => {
  await using target = await startUnreading(false);
  const { token } = await exportTarget(service, { uri: target.url });
  for (let round = 0; round < FEWER_ROUNDS; round += 1) {
    await using connection = await openRawConnection(service.port);
    connection.send(requestHead(token, { line: "PUT / HTTP/1.1", headers: [`Content-Length: ${BODY}`] }));
    connection.send(HELD);
    const socket = await target.next();
    for (let turn = 0; turn < 200; turn += 1) await setImmediate();
    socket.write(WITHOUT_LENGTH);
    socket.resetAndDestroy();
    await connection.closed;
    expect(readRawResponse(connection.received())).toBeUndefined();
  }
});

test("an early response to a body that was buffered for its signature is not lost", async () => {
  await using target = await startUnreading(false);
  const { token } = await exportTarget(service, {
    uri: target.url,
    hmac: { "aws4-hmac-sha256": SIGNING_KEY },
  });
  for (let round = 0; round < FEWER_ROUNDS; round += 1) {
    const responding = call(service, token, { body: HELD });
    closes(WITH_LENGTH)(await target.next());
    expect(await responding).toMatchObject({ status: 413, text: "too large" });
  }
});

test.each([
  ["buffered for its signature", true],
  ["streamed", false],
])(
  "after an early response to a body %s, its rest delays no other request, though the target keeps the connection",
  async (_how, isSigned) => {
    const unread: Socket[] = [];
    await using target = await startRawTarget(
      (socket) =>
        void socket.once("data", (chunk) => {
          if (String(chunk).startsWith("GET")) return socket.write(OK_RESPONSE);
          socket.pause();
          unread.push(socket);
          return socket.write(WITH_LENGTH);
        }),
    );
    const hmac = { "aws4-hmac-sha256": SIGNING_KEY };
    const { token } = await exportTarget(service, { uri: target.url, ...(isSigned ? { hmac } : {}) });
    await using connection = await openRawConnection(service.port);
    const line = "POST / HTTP/1.1";
    connection.send(requestHead(token, { line, headers: [`Content-Length: ${HELD.length}`] }) + HELD);
    expect((await nextResponse(connection)).status).toBe(413);
    expect(await call(service, token)).toMatchObject({ status: 200, text: "ok" });
    expect(unread).toHaveLength(1);
  },
);
