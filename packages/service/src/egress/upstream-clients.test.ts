import { once } from "node:events";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { deferred } from "../../../testkit/src/deferred.ts";
import type { OpenedConnection } from "../../../testkit/src/opened-connection.ts";
import { IDLE_HANDLER, PLAIN_GET, openConnection, sendOn } from "../../../testkit/src/opened-connection.ts";
import { OK_RESPONSE, rawResponder, rawResponderAfterBody } from "../../../testkit/src/raw-responder.ts";
import type { TestCertificate } from "../../../testkit/src/tls-target.ts";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";
import type { ByteStream } from "../http1/byte-stream.ts";
import type { UpstreamHandler } from "../http1/upstream.ts";
import { createClientConnections } from "./client/client.ts";
import { createShared } from "./client/shared.ts";
import type { CreateConnection } from "./pooled-connection.ts";
import { createUndiciConnection } from "./undici/connection.ts";

/* What every HTTP/1.1 client of a connection must do, on real sockets. */

const CLIENTS: readonly (readonly [string, CreateConnection])[] = [
  [
    "native",
    createClientConnections(
      createShared(() => performance.now()),
      true,
    ),
  ],
  ["undici", createUndiciConnection],
];

const opened: OpenedConnection[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one[Symbol.asyncDispose]()));
});

async function open(
  create: CreateConnection,
  serve: (socket: Socket) => void,
  certificate?: TestCertificate,
): Promise<OpenedConnection> {
  const one = await openConnection(create, serve, certificate);
  opened.push(one);
  return one;
}

describe.each(CLIENTS)("%s:", (_name, create) => {
  test("after a whole response the connection carries the next request", async () => {
    const one = await open(create, rawResponder(OK_RESPONSE));
    for (let round = 1; round <= 3; round += 1) {
      expect(await sendOn(one)).toEqual({ status: 200, body: "ok" });
      await expect.poll(() => one.reports).toHaveLength(round);
      one.connection.keepIdle();
      expect(one.connection).toMatchObject({ isOpen: true, isReused: true });
    }
    expect(one.reports).toEqual(["free", "free", "free"]);
  });

  test.each([
    ["a response with bytes after it", OK_RESPONSE + OK_RESPONSE, {}],
    ["a response that says so", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", {}],
    ["a response of HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", {}],
    [
      "a target that keeps it for no time",
      "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok",
      {},
    ],
    ["a request with an unexpected body", OK_RESPONSE, { body: Buffer.from("body") }],
  ])("after %s the connection is closed", async (_what, bytes, request) => {
    const one = await open(create, rawResponder(bytes));
    expect(await sendOn(one, request)).toEqual({ status: 200, body: "ok" });
    await expect.poll(() => one.reports.at(-1)).toBe("closed");
    expect(one.connection.isOpen).toBe(false);
  });

  test("after a response to HEAD the connection is closed", async () => {
    const one = await open(create, rawResponder(OK_RESPONSE));
    expect(await sendOn(one, { method: "HEAD" })).toEqual({ status: 200, body: "" });
    await expect.poll(() => one.reports).toEqual(["closed"]);
  });

  test("a response to a request that was not read whole closes the connection", async () => {
    const one = await open(create, (socket) => {
      socket.once("data", () => void socket.pause().write(OK_RESPONSE));
    });
    const body = Buffer.alloc(32 * 1_024 * 1_024);
    expect(await sendOn(one, { method: "PUT", body })).toEqual({ status: 200, body: "ok" });
    await expect.poll(() => one.reports).toEqual(["closed"]);
  });

  test("a response over TLS to a request that was not read whole closes the connection", async () => {
    const serve = (socket: Socket): void => {
      socket.once("data", () => void socket.pause().write(OK_RESPONSE));
    };
    const one = await open(create, serve, await makeCertificate("127.0.0.1"));
    const body = Buffer.alloc(32 * 1_024 * 1_024);
    expect(await sendOn(one, { method: "PUT", body })).toEqual({ status: 200, body: "ok" });
    await expect.poll(() => one.reports).toEqual(["closed"]);
  });

  test.each([
    ["no body", 0],
    ["a small body", 1_000],
    ["a body of several records", 100_000],
  ])("requests with %s over TLS are carried by one connection", async (_what, bytes) => {
    const ROUNDS = 50;
    const one = await open(create, rawResponderAfterBody(OK_RESPONSE), await makeCertificate("127.0.0.1"));
    const body = Buffer.alloc(bytes, "x");
    for (let round = 1; round <= ROUNDS; round += 1) {
      expect(await sendOn(one, { method: "PUT", body })).toEqual({ status: 200, body: "ok" });
      await expect.poll(() => one.reports, { interval: 1 }).toHaveLength(round);
      expect(one.reports.at(-1)).toBe("free");
    }
  });

  test("a body that goes on after the response is destroyed", async () => {
    const one = await open(create, rawResponder(OK_RESPONSE));
    const body = new Readable({ read: () => undefined });
    body.push("beginning");
    expect(await sendOn(one, { method: "PUT", body })).toEqual({ status: 200, body: "ok" });
    await expect.poll(() => body.destroyed).toBe(true);
    await expect.poll(() => one.reports).toEqual(["closed"]);
  });

  test("what comes while no request is in flight closes the connection, and is not a response", async () => {
    const one = await open(create, rawResponder(OK_RESPONSE));
    await sendOn(one);
    await expect.poll(() => one.reports).toEqual(["free"]);
    one.connection.keepIdle();
    one.socket.write(OK_RESPONSE);
    await expect.poll(() => one.reports).toEqual(["free", "closed"]);
    expect(one.connection).toMatchObject({ isOpen: false, isClosedByTarget: false });
  });

  test("what has come by the time that a request is sent is not a response to it, and the request is not begun", async () => {
    const one = await open(create, rawResponder(OK_RESPONSE));
    await sendOn(one);
    await expect.poll(() => one.reports).toEqual(["free"]);
    one.connection.keepIdle();
    one.socket.write(OK_RESPONSE.replace("ok", "no"));
    let isBegun = false;
    const sent = sendOn(one, {}, { onBegin: () => (isBegun = true) });
    await expect(sent).rejects.toThrow();
    expect([isBegun, one.connection.isOpen]).toEqual([false, false]);
  });

  test("a target that ends an idle connection has closed it", async () => {
    const one = await open(create, rawResponder(OK_RESPONSE));
    await sendOn(one);
    await expect.poll(() => one.reports).toEqual(["free"]);
    one.connection.keepIdle();
    one.socket.end();
    await expect.poll(() => one.reports).toEqual(["free", "closed"]);
    expect(one.connection).toMatchObject({ isOpen: false, isClosedByTarget: true });
  });

  test.each([
    ["ends the connection", (socket: Socket) => void socket.end()],
    ["resets the connection", (socket: Socket) => void socket.resetAndDestroy()],
  ])("a target that %s without a response has closed it", async (_how, act) => {
    const one = await open(create, rawResponder("", act));
    await expect(sendOn(one)).rejects.toThrow();
    expect(one.connection).toMatchObject({ isOpen: false, isClosedByTarget: true });
  });

  test("a target whose response is malformed has not closed the connection", async () => {
    const one = await open(create, rawResponder("garbage\r\n\r\n"));
    await expect(sendOn(one)).rejects.toThrow();
    expect(one.connection).toMatchObject({ isOpen: false, isClosedByTarget: false });
  });

  test("to abort a request that is over does nothing to the next one", async () => {
    const one = await open(create, rawResponder(OK_RESPONSE));
    const over = deferred<void>();
    const first = { ...IDLE_HANDLER, onEnd: over.resolve };
    one.connection.send(PLAIN_GET, [], first);
    await over.promise;
    await expect.poll(() => one.reports).toEqual(["free"]);
    const second = sendOn(one, {}, { onHead: () => (one.connection.abort(first, new Error("late")), true) });
    expect(await second).toMatchObject({ body: "ok" });
  });

  test("a request that must not begin is not written", async () => {
    const one = await open(create, rawResponder(OK_RESPONSE));
    await expect(sendOn(one, {}, { onBegin: () => false })).rejects.toThrow();
    for (let turn = 0; turn < 10; turn += 1) await setImmediate();
    expect(one.received()).toBe("");
  });

  test("an aborted request fails with the error, and closes the connection", async () => {
    const one = await open(create, () => undefined);
    let handler: UpstreamHandler | undefined;
    const error = new Error("why");
    const failed = new Promise((resolve) => {
      handler = { ...IDLE_HANDLER, onError: (cause, failure) => resolve([cause, failure]) };
    });
    one.connection.send(PLAIN_GET, [], handler!);
    await expect.poll(() => one.received()).toContain("GET / HTTP/1.1\r\n");
    one.connection.abort(handler!, error);
    expect(await failed).toEqual([error, "incomplete"]);
    await expect.poll(() => one.reports).toEqual(["closed"]);
    expect(one.connection.isClosedByTarget).toBe(false);
  });

  test("a destroyed connection fails its request, and is closed when that is said", async () => {
    const one = await open(create, () => undefined);
    const failed = expect(sendOn(one)).rejects.toThrow();
    await expect.poll(() => one.received()).toContain("GET");
    const ended = once(one.socket, "close");
    await one.connection.destroy();
    await failed;
    one.socket.resume();
    await ended;
    expect(one.reports).toEqual(["closed"]);
  });

  test("a body that fails fails the request with its error", async () => {
    const one = await open(create, () => undefined);
    const body = new Readable({ read: () => undefined });
    body.push("beginning");
    const sent = sendOn(one, { method: "PUT", body });
    await expect.poll(() => one.received()).toContain("beginning");
    body.destroy(new Error("the client is gone"));
    await expect(sent).rejects.toThrow("the client is gone");
    await expect.poll(() => one.reports).toEqual(["closed"]);
  });

  test.each([
    ["longer", "fourmore", "four"],
    ["shorter", "fo", "fo"],
  ])(
    "a body that is %s than its length fails the request, and nothing beyond the length is sent",
    async (_what, text, sent) => {
      const one = await open(create, () => undefined);
      const pieces = [text.slice(0, 4), text.slice(4)]
        .filter((piece) => piece !== "")
        .map((piece) => Buffer.from(piece));
      const body = Readable.from(pieces, { objectMode: false });
      const failed = new Promise((resolve) => {
        one.connection.send({ ...PLAIN_GET, method: "PUT", body }, ["Content-Length", "4"], {
          ...IDLE_HANDLER,
          onError: resolve,
        });
      });
      const ended = once(one.socket, "close");
      expect(await failed).toBeInstanceOf(Error);
      await ended;
      expect(one.received().split("\r\n\r\n")[1]).toBe(sent);
    },
  );

  test("a body that its target does not read is not read either", async () => {
    const LARGE = 256;
    const one = await open(create, (socket) => void socket.pause());
    let read = 0;
    const body = new Readable({
      read() {
        read += 1;
        this.push(read > LARGE ? null : Buffer.alloc(1_024 * 1_024));
      },
    });
    const sent = sendOn(one, { method: "PUT", body });
    await expect.poll(() => read).toBeGreaterThan(1);
    for (let turn = 0; turn < 200; turn += 1) await setImmediate();
    expect(read).toBeLessThan(LARGE / 2);
    one.socket.destroy();
    await expect(sent).rejects.toThrow();
  });

  test.each<Partial<UpstreamHandler>>([
    {
      onHead: () => {
        throw new Error("a fault");
      },
    },
    {
      onData: () => {
        throw new Error("a fault");
      },
    },
  ])("a fault in the handling of a response fails its request alone: %o", async (handler) => {
    const one = await open(create, rawResponder(OK_RESPONSE));
    await expect(sendOn(one, {}, handler)).rejects.toThrow("a fault");
    await expect.poll(() => one.reports.at(-1)).toBe("closed");
  });

  test("a fault in the handling of a response that ends with its connection fails its request alone", async () => {
    const one = await open(create, rawResponder("HTTP/1.1 200 OK\r\n\r\npiece"));
    let isEnding = false;
    const onRead = (): void => {
      if (isEnding) throw new Error("a fault");
    };
    const onData = (): boolean => ((isEnding = true), void one.socket.end(), true);
    await expect(sendOn(one, {}, { onRead, onData })).rejects.toThrow("a fault");
    await expect.poll(() => one.reports.at(-1)).toBe("closed");
  });

  test("a body that is destroyed before it is sent fails the request", async () => {
    const one = await open(create, () => undefined);
    const body = new Readable({ read: () => undefined }).on("error", () => undefined);
    const sent = sendOn(one, { method: "PUT", body });
    body.destroy(new Error("gone before"));
    await expect(sent).rejects.toThrow();
  });

  test("a streamed body arrives, and the connection is kept after it", async () => {
    const one = await open(create, rawResponderAfterBody(OK_RESPONSE));
    const pieces = Array.from({ length: 50 }, (_, at) => Buffer.alloc(10_000, String(at % 10)));
    expect(await sendOn(one, { method: "PUT", body: Readable.from(pieces, { objectMode: false }) })).toEqual({
      status: 200,
      body: "ok",
    });
    expect(one.received()).toContain("transfer-encoding: chunked\r\n");
    await expect.poll(() => one.reports).toEqual(["free"]);
  });

  test("a paused response is not read, and is whole after it was resumed", async () => {
    const LARGE = 64 * 1_024 * 1_024;
    const one = await open(
      create,
      rawResponder(`HTTP/1.1 200 OK\r\nContent-Length: ${LARGE}\r\n\r\n`, (socket) => {
        socket.write(Buffer.alloc(LARGE, "x"));
      }),
    );
    let length = 0;
    let isPaused = false;
    const resuming = deferred<() => void>();
    const ended = sendOn(
      one,
      {},
      {
        onHead(_status, _reason, _headers, resume) {
          resuming.resolve(() => {
            isPaused = false;
            resume();
          });
          isPaused = true;
          return false;
        },
        onData(chunk) {
          expect(isPaused).toBe(false);
          length += chunk.length;
          return true;
        },
      },
    );
    const resume = await resuming.promise;
    for (let turn = 0; turn < 100; turn += 1) await setImmediate();
    expect(one.socket.writableLength).toBeGreaterThan(LARGE / 2);
    resume();
    await ended;
    expect(length).toBe(LARGE);
    await expect.poll(() => one.reports).toEqual(["free"]);
  });

  test("each read is announced before what it holds is passed on: a head, a piece, one that waited for room, an end", async () => {
    const one = await open(create, rawResponder("HTTP/1.1 200 OK\r\n\r\n"));
    const passed: string[] = [];
    let isAnnounced = false;
    let resume = (): void => undefined;
    const pass = (what: string): void => void passed.push(isAnnounced ? what : `${what} unannounced`);
    const next = async (act: () => unknown): Promise<void> => {
      const { length } = passed;
      isAnnounced = false;
      act();
      await expect.poll(() => passed).toHaveLength(length + 1);
    };
    await next(() => {
      one.connection.send(PLAIN_GET, [], {
        ...IDLE_HANDLER,
        onRead: () => (isAnnounced = true),
        onHead: (_status, _reason, _headers, go) => (pass("head"), (resume = go), true),
        onData: (chunk) => (pass(chunk.toString("latin1")), passed.length !== 2),
        onEnd: () => pass("end"),
      });
    });
    await next(() => one.socket.write("piece"));
    one.socket.write("waiting");
    for (let turn = 0; turn < 10; turn += 1) await setImmediate();
    await next(resume);
    await next(() => one.socket.end());
    expect(passed).toEqual(["head", "piece", "waiting", "end"]);
  });

  test("a switch of protocols is announced as a read before the connection is handed over", async () => {
    const head = "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    const one = await open(create, rawResponder(head));
    let isAnnounced = false;
    const switched = deferred<boolean>();
    void sendOn(
      one,
      { upgrade: "websocket" },
      {
        onRead: () => (isAnnounced = true),
        onUpgrade: (_headers, stream) => (switched.resolve(isAnnounced), stream.destroy()),
      },
    );
    expect(await switched.promise).toBe(true);
  });

  test("a switched connection is handed over with what came after the head, and nothing is lost", async () => {
    const head = "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    const one = await open(create, rawResponder(`${head}first`));
    const switched = deferred<ByteStream>();
    void sendOn(one, { upgrade: "websocket" }, { onUpgrade: (_headers, stream) => switched.resolve(stream) });
    const stream = await switched.promise;
    expect(one.reports).toEqual(["closed"]);
    let text = "";
    stream.on("data", (chunk) => (text += chunk.toString()));
    one.socket.write(" second");
    stream.resume();
    await expect.poll(() => text).toBe("first second");
    stream.write(Buffer.from("third"));
    await expect.poll(() => one.received()).toContain("third");
    const ended = deferred<void>();
    stream.on("end", ended.resolve);
    one.socket.end();
    await ended.promise;
  });

  test("a response whose head says of a switch that was not asked for is refused", async () => {
    const one = await open(
      create,
      rawResponder("HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),
    );
    await expect(sendOn(one)).rejects.toThrow();
  });
});
