import { once } from "node:events";
import type { Socket } from "node:net";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { connect as connectOverTls, createServer as createTlsServer } from "node:tls";
import { afterEach, beforeAll, expect, test } from "vitest";
import type { TestCertificate } from "../../../../testkit/src/tls-target.ts";
import { makeCertificate } from "../../../../testkit/src/tls-target.ts";
import { HeadWriter } from "./head-writer.ts";
import { NativeRequest } from "./request.ts";
import { NativeResponse } from "./response.ts";
import { WriteSlab } from "./write-slab.ts";

const open: Socket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});

let certificate: TestCertificate;
beforeAll(async () => {
  certificate = await makeCertificate("127.0.0.1");
});

/** Both ends of a connection. */
async function connection(): Promise<{ readonly near: Socket; readonly far: Socket }> {
  const server = createServer({ noDelay: true, allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection");
  const far = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [near] = (await accepted) as [Socket];
  server.close();
  return { near, far };
}

async function connectionOverTls(): Promise<{ readonly near: Socket; readonly far: Socket }> {
  const server = createTlsServer({ ...certificate, noDelay: true, allowHalfOpen: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "secureConnection");
  const { port } = server.address() as AddressInfo;
  const far = connectOverTls({ port, host: "127.0.0.1", ca: certificate.ca });
  const [near] = (await accepted) as [Socket];
  server.close();
  return { near, far };
}

/** A response over a real connection, and what its connection and its listeners learn. */
async function responseOverSocket({ method = "GET", tls = false } = {}) {
  const { near: socket, far } = await (tls ? connectionOverTls() : connection());
  open.push(socket, far);
  /** How long the pieces were that the socket was given. */
  const writes: number[] = [];
  const write = socket.write.bind(socket);
  socket.write = (bytes: Buffer | string, ...rest: never[]) => {
    writes.push(bytes.length);
    return write(bytes, ...rest);
  };
  const counts = { sent: 0, closed: 0, errors: 0 };
  socket.on("error", () => (counts.errors += 1));
  const owner = {
    socket,
    encrypted: tls,
    headWriter: new HeadWriter(5_000),
    writeSlab: new WriteSlab(),
    destroyed: false,
    on: () => undefined,
    off: () => undefined,
    pauseBody: () => undefined,
    resumeBody: () => undefined,
    onReceived: () => undefined,
    onSent: () => {
      counts.sent += 1;
      expect(socket.writableLength).toBe(0);
    },
  };
  const head = { method, url: "/", rawHeaders: [], length: 0 };
  const response = new NativeResponse(new NativeRequest(head, false, owner), owner);
  socket.on("drain", () => response.drained());
  response.on("close", () => (counts.closed += 1));
  return { response, socket, far, counts, writes };
}

test("a response that begins after the service has ended its side was not sent, and reports its end once", async () => {
  const { response, socket, counts } = await responseOverSocket();
  socket.end();
  response.writeHead(200, "OK", ["Content-Length", "2"]);
  let written = 0;
  expect(response.write(Buffer.from("ok"), () => (written += 1))).toBe(true);
  response.end();
  expect(response).toMatchObject({ writableEnded: true, writableFinished: false });
  expect(counts).toEqual({ sent: 0, closed: 0, errors: 0 });
  response.close();
  await expect.poll(() => written).toBe(1);
  expect(counts).toEqual({ sent: 0, closed: 1, errors: 0 });
});

test("a response that was sent reports its end once, also when its connection is closed after it", async () => {
  const { response, counts } = await responseOverSocket();
  response.respond({ kind: "none" }, 200, [], "ok");
  expect(response.writableFinished).toBe(true);
  expect(counts).toMatchObject({ sent: 1, closed: 1 });
  response.close();
  expect(counts.closed).toBe(1);
});

test("a response that is aborted before its end was not sent", async () => {
  const { response, counts } = await responseOverSocket();
  response.writeHead(200, "OK", ["Content-Length", "2"]);
  response.abort();
  response.end();
  expect(response.writableFinished).toBe(false);
  response.close();
  expect(counts).toEqual({ sent: 0, closed: 1, errors: 0 });
});

test.each([
  ["a body of known length", "GET", ["Content-Length", "4"], 2],
  ["a body in chunks", "GET", [], 3],
  ["no body", "HEAD", ["Content-Length", "4"], 1],
])(
  "over TLS, a response with %s is sent once its own writes are, without a further one",
  async (_what, method, headers, parts) => {
    const { response, socket, far, counts, writes } = await responseOverSocket({ method, tls: true });
    const received = buffer(far);
    response.writeHead(200, "OK", headers);
    response.write(Buffer.from("ab"));
    response.write(Buffer.from("cd"));
    response.end();
    expect(response).toMatchObject({ writableEnded: true, writableFinished: false });
    expect(counts).toEqual({ sent: 0, closed: 0, errors: 0 });
    await expect.poll(() => counts.sent, { interval: 1 }).toBe(1);
    expect(response).toMatchObject({ writableFinished: true, writableLength: 0 });
    expect(writes.length).toBe(parts);
    expect(writes).not.toContain(0);
    socket.end();
    expect((await received).toString()).toMatch(/\r\n\r\n/);
    response.close();
    expect(counts).toEqual({ sent: 1, closed: 1, errors: 0 });
  },
);

test("over TLS, a response whose last bytes were sent before its end is sent at once", async () => {
  const { response, counts, writes } = await responseOverSocket({ tls: true });
  response.writeHead(200, "OK", ["Content-Length", "2"]);
  await new Promise((written) => response.write(Buffer.from("ok"), written));
  response.end();
  expect(response.writableFinished).toBe(true);
  expect([counts, writes.length]).toEqual([{ sent: 1, closed: 1, errors: 0 }, 1]);
});

test("over TLS, a response is not sent while its client does not read it, nor if its connection ends then", async () => {
  const { response, socket, counts } = await responseOverSocket({ tls: true });
  response.writeHead(200, "OK", ["Content-Length", String(MORE_THAN_TAKEN)]);
  let written = 0;
  response.write(Buffer.alloc(MORE_THAN_TAKEN), () => (written += 1));
  response.end();
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  expect(counts.sent).toBe(0);
  socket.destroy();
  await once(socket, "close");
  await expect.poll(() => written, { interval: 1 }).toBe(1);
  expect(response.writableFinished).toBe(false);
  response.close();
  expect(counts).toMatchObject({ sent: 0, closed: 1 });
});

test("over TLS, a response that ends after the service has ended its side was not sent, though what was written before is", async () => {
  const { response, socket, counts } = await responseOverSocket({ tls: true });
  response.writeHead(200, "OK", []);
  let written = 0;
  response.write(Buffer.from("ok"), () => (written += 1));
  const finished = once(socket, "finish");
  socket.end();
  response.end();
  await finished;
  expect(written).toBe(1);
  expect(counts).toEqual({ sent: 0, closed: 0, errors: 0 });
  response.close();
  expect(counts).toEqual({ sent: 0, closed: 1, errors: 0 });
});

test("a piece that finds room while an earlier one waits for it does not end that wait", async () => {
  const { response, far } = await responseOverSocket({ tls: true });
  far.resume();
  let drains = 0;
  response.on("drain", () => (drains += 1));
  response.writeHead(200, "OK", []);
  // When the long piece was sent the short one waits, so that there is room, and nothing has drained.
  const later = new Promise((resolve) => {
    const writeLater = () => resolve([response.write(Buffer.from("later")), drains]);
    response.write(Buffer.alloc(64 * 1024), writeLater);
  });
  expect(response.writableNeedDrain).toBe(true);
  response.write(Buffer.from("short"));
  expect(await later).toEqual([false, 0]);
  await expect.poll(() => drains, { interval: 1 }).toBe(1);
  expect(response.writableNeedDrain).toBe(false);
});

/** More than the operating system takes for a client that does not read. */
const MORE_THAN_TAKEN = 16 * 1024 * 1024;
