import type { Socket } from "node:net";
import { PassThrough, Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { deferred } from "../../../../testkit/src/deferred.ts";
import type { OpenedConnection } from "../../../../testkit/src/opened-connection.ts";
import {
  IDLE_HANDLER,
  PLAIN_GET,
  openConnection,
  sendOn,
} from "../../../../testkit/src/opened-connection.ts";
import { OK_RESPONSE, rawResponder } from "../../../../testkit/src/raw-responder.ts";
import type { TestCertificate } from "../../../../testkit/src/tls-target.ts";
import { makeCertificate } from "../../../../testkit/src/tls-target.ts";
import type { ByteStream } from "../../http1/byte-stream.ts";
import { createClientConnections } from "./client.ts";
import { InvalidRequestError } from "./errors.ts";
import { createShared } from "./shared.ts";

/** The clock of the connections. */
let now = 1_000;
const shared = createShared(() => now);
const create = createClientConnections(shared, true);

const opened: OpenedConnection[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one[Symbol.asyncDispose]()));
});

async function open(
  serve: (socket: Socket) => void,
  certificate?: TestCertificate,
): Promise<OpenedConnection> {
  const one = await openConnection(create, serve, certificate);
  opened.push(one);
  return one;
}

/** Sends a request, and returns how it fails. */
function failureOf(one: OpenedConnection, request: Parameters<typeof sendOn>[1]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    one.connection.send({ ...PLAIN_GET, ...request }, [], {
      ...IDLE_HANDLER,
      onEnd: () => reject(new Error("ended")),
      onError: (error, failure) => resolve({ error, failure }),
    });
  });
}

test("a target that does not respond in time fails the request", async () => {
  const one = await open(() => undefined);
  const failed = failureOf(one, { responseTimeoutMs: 5_000 });
  await expect.poll(() => one.received()).toContain("GET");
  now += 5_000;
  expect(await failed).toMatchObject({ error: { code: "TARGET_NO_RESPONSE" }, failure: "timeout" });
  expect(one.connection).toMatchObject({ isOpen: false, isClosedByTarget: false });
});

test("informational responses give a target no more time to respond", async () => {
  const one = await open((socket) => {
    const timer = setInterval(() => socket.write("HTTP/1.1 103 Early Hints\r\n\r\n"), 20);
    socket.on("close", () => clearInterval(timer)).on("error", () => undefined);
  });
  let informational = 0;
  const failed = new Promise((resolve) => {
    one.connection.send({ ...PLAIN_GET, responseTimeoutMs: 5_000 }, [], {
      ...IDLE_HANDLER,
      onInformational: () => (informational += 1),
      onError: (error, failure) => resolve({ error, failure }),
    });
  });
  await expect.poll(() => informational).toBeGreaterThan(0);
  now += 3_000;
  // Until the time was looked at with another one.
  const before = informational;
  await expect.poll(() => informational).toBeGreaterThan(before + 20);
  now += 2_000;
  expect(await failed).toMatchObject({ error: { code: "TARGET_NO_RESPONSE" }, failure: "timeout" });
});

test("a target that stops within its response fails the request", async () => {
  const one = await open(rawResponder("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"));
  const heard = deferred<void>();
  const failed = new Promise((resolve) => {
    one.connection.send({ ...PLAIN_GET, idleTimeoutMs: 5_000 }, [], {
      ...IDLE_HANDLER,
      onData: () => (heard.resolve(), true),
      onError: (error, failure) => resolve({ error, failure }),
    });
  });
  await heard.promise;
  // The silence is counted from the next tick on.
  const timer = setInterval(() => (now += 5_000), 100);
  expect(await failed).toMatchObject({ error: { code: "TARGET_SILENT" }, failure: "timeout" });
  clearInterval(timer);
});

test("a client that sends slowly makes no target late, until its body is sent", async () => {
  const one = await open(() => undefined);
  const body = new PassThrough();
  const failed = failureOf(one, { method: "PUT", body, responseTimeoutMs: 5_000 });
  body.write("first");
  await expect.poll(() => one.received()).toContain("first");
  for (let tick = 0; tick < 3; tick += 1) {
    now += 5_000;
    shared.deadlines.tick();
  }
  expect(one.connection.isOpen).toBe(true);
  body.end("second");
  await expect.poll(() => one.received()).toContain("\r\n0\r\n\r\n");
  const timer = setInterval(() => (now += 5_000), 100);
  expect(await failed).toMatchObject({ error: { code: "TARGET_NO_RESPONSE" } });
  clearInterval(timer);
});

test("a target that does not read the request is late, though the request is not sent whole", async () => {
  const one = await open((socket) => void socket.pause());
  const body = new Readable({
    read() {
      this.push(Buffer.alloc(65_536));
    },
  });
  const failed = failureOf(one, { method: "PUT", body, responseTimeoutMs: 5_000 });
  const timer = setInterval(() => (now += 5_000), 100);
  expect(await failed).toMatchObject({ error: { code: "TARGET_NO_RESPONSE" }, failure: "timeout" });
  clearInterval(timer);
});

test("an unused connection is closed in time, and a held one is not", async () => {
  const one = await open(rawResponder(OK_RESPONSE));
  await sendOn(one);
  await expect.poll(() => one.reports).toEqual(["free"]);
  one.connection.hold();
  now += 1_000_000;
  shared.deadlines.tick();
  expect(one.connection.isOpen).toBe(true);
  one.connection.keepIdle();
  shared.deadlines.tick();
  expect(one.connection.isOpen).toBe(true);
  now += 4_000;
  await expect.poll(() => one.reports).toEqual(["free", "closed"]);
});

test("a connection to a target that speaks first carries no request", async () => {
  const one = await open((socket) => void socket.write("220 hello\r\n"));
  expect(await failureOf(one, {})).toMatchObject({ failure: "incomplete" });
  expect([one.reports, one.received()]).toEqual([["closed"], ""]);
});

test("what a target has sent before the client reads is no response either", async () => {
  const serve = (socket: Socket): void => void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  const one = await openConnection(create, serve, undefined, (socket) => socket.readableLength > 0);
  opened.push(one);
  expect(await failureOf(one, {})).toMatchObject({ failure: "incomplete" });
  expect([one.reports, one.received()]).toEqual([["closed"], ""]);
});

test.each(["HTTP/1.1 204 No\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])(
  "a response without a body ends, though there is no room for a body: %j",
  async (bytes) => {
    const one = await open(rawResponder(bytes));
    await sendOn(one, {}, { onHead: () => false });
    await expect.poll(() => one.reports).toEqual(["free"]);
  },
);

test("a response is not resumed by the request before it", async () => {
  const one = await open(rawResponder(OK_RESPONSE));
  const resumes: (() => void)[] = [];
  await sendOn(one, {}, { onHead: (_status, _reason, _headers, resume) => resumes.push(resume) > 0 });
  await expect.poll(() => one.reports).toEqual(["free"]);
  const pieces: Buffer[] = [];
  const ended = sendOn(
    one,
    {},
    {
      onHead: (_status, _reason, _headers, resume) => resumes.push(resume) < 0,
      onData: (chunk) => pieces.push(chunk) > 0,
    },
  );
  await expect.poll(() => resumes).toHaveLength(2);
  resumes[0]?.();
  expect(pieces).toHaveLength(0);
  resumes[1]?.();
  await ended;
  expect(pieces).toHaveLength(1);
});

test("a request that would be another one on the wire is refused, and nothing is sent", async () => {
  const one = await open(rawResponder(OK_RESPONSE));
  expect(() => one.connection.send(PLAIN_GET, ["A", "b\r\nEvil: c"], IDLE_HANDLER)).toThrow(
    InvalidRequestError,
  );
  expect(await sendOn(one)).toMatchObject({ status: 200 });
  expect(one.received()).not.toContain("Evil");
});

test("a request that must not begin leaves the connection for others", async () => {
  const one = await open(rawResponder(OK_RESPONSE));
  await expect(sendOn(one, {}, { onBegin: () => false })).rejects.toThrow("the request is over");
  expect(one.reports).toEqual(["free"]);
  expect(await sendOn(one)).toMatchObject({ status: 200 });
});

test("nothing of a switched connection is delivered before it is resumed", async () => {
  const head = "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
  const one = await open(rawResponder(`${head}first`));
  const switched = deferred<ByteStream>();
  void sendOn(one, { upgrade: "websocket" }, { onUpgrade: (_headers, stream) => switched.resolve(stream) });
  const stream = await switched.promise;
  let text = "";
  stream.on("data", (chunk) => (text += chunk.toString()));
  one.socket.write(" second");
  for (let turn = 0; turn < 50; turn += 1) await setImmediate();
  expect(text).toBe("");
  stream.resume();
  await expect.poll(() => text).toBe("first second");
});

test("a paused response over TLS in records of one byte loses nothing, and its end waits", async () => {
  const certificate = await makeCertificate("127.0.0.1");
  const BYTES = 3_000;
  const one = await open(
    rawResponder("HTTP/1.1 200 OK\r\n\r\n", (socket) => {
      for (let at = 0; at < BYTES; at += 1) socket.write(String(at % 10));
      socket.end();
    }),
    certificate,
  );
  let length = 0;
  let resume: () => void = () => undefined;
  let isEnded = false;
  const paused = deferred<void>();
  const ended = sendOn(
    one,
    {},
    {
      onHead(_status, _reason, _headers, go) {
        resume = go;
        return true;
      },
      onData(chunk) {
        length += chunk.length;
        if (length > 1) return true;
        paused.resolve();
        return false;
      },
    },
  ).then(() => (isEnded = true));
  await paused.promise;
  for (let turn = 0; turn < 50; turn += 1) await setImmediate();
  expect([length, isEnded]).toEqual([1, false]);
  resume();
  await ended;
  expect(length).toBe(BYTES);
});

test.each([
  ["holds", true],
  ["does not say to hold", undefined],
])(
  "pieces of a large body that a handler %s are not changed by what is read after them",
  async (_, holds) => {
    const body = Buffer.alloc(4_000_000, "0123456789");
    const head = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`;
    const one = await open(rawResponder(head, (socket) => void socket.write(body)));
    const pieces: Buffer[] = [];
    const holdsData = holds === undefined ? {} : { holdsData: () => holds };
    await sendOn(one, {}, { onData: (piece) => pieces.push(piece) > 0, ...holdsData });
    expect(Buffer.concat(pieces).equals(body)).toBe(true);
  },
);

test("the memory of pieces of a large body that its handler holds no more is used again", async () => {
  const body = Buffer.alloc(4_000_000, "0123456789");
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`;
  const one = await open(rawResponder(head, (socket) => void socket.write(body)));
  const pieces: Buffer[] = [];
  const read: Buffer[] = [];
  const onData = (piece: Buffer): boolean => pieces.push(piece) + read.push(Buffer.from(piece)) > 0;
  await sendOn(one, {}, { onData, holdsData: () => false });
  expect(Buffer.concat(read).equals(body)).toBe(true);
  expect(new Set(pieces.map(({ buffer }) => buffer)).size).toBeLessThan(pieces.length);
});

/** A response in chunks of one byte. */
function inChunks(count: number): string {
  return `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${"1\r\nx\r\n".repeat(count)}0\r\n\r\n`;
}

test("responses in many chunks are read one read in a turn, so that others are served", async () => {
  const CHUNKS = 100_000;
  const one = await open(rawResponder(inChunks(CHUNKS)));
  let turn = 0;
  const turns = new Set<number>();
  const counting = new AbortController();
  const countTurns = async (): Promise<void> => {
    for (; !counting.signal.aborted; turn += 1) await setImmediate();
  };
  void countTurns();
  await sendOn(one, {}, { onData: () => (turns.add(turn), true) });
  counting.abort();
  // Each chunk takes six bytes, and a read has 64 KiB at the most.
  expect(turns.size).toBeGreaterThanOrEqual(Math.floor((CHUNKS * 6) / 65_536));
});

test("a response in many chunks that ends within one read leaves the connection for others", async () => {
  const one = await open(rawResponder(inChunks(1_000)));
  expect((await sendOn(one)).body).toBe("x".repeat(1_000));
  await expect.poll(() => one.reports).toEqual(["free"]);
});

test("a connection that is not read, since it waits for its turn, carries no further request", async () => {
  const one = await open(rawResponder(inChunks(1_000)));
  let resume: () => void = () => undefined;
  await sendOn(
    one,
    {},
    {
      onHead(_status, _reason, _headers, go) {
        resume = go;
        return true;
      },
      onData() {
        queueMicrotask(resume);
        return false;
      },
    },
  );
  await expect.poll(() => one.reports).toEqual(["closed"]);
});
