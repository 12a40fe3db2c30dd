import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test, vi } from "vitest";
import { deferred } from "../../../../testkit/src/deferred.ts";
import { LISTENER_OPTIONS } from "../../../../testkit/src/listener-options.ts";
import type { HttpExchange } from "../downstream.ts";
import type { HttpListener } from "../listener.ts";
import { listenNative } from "./listen.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

test("a listener that cannot listen leaves no timer", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  try {
    const listening = listenNative({ ...LISTENER_OPTIONS, port }, async () => undefined);
    expect(vi.getTimerCount()).toBeGreaterThan(0);
    await expect(listening).rejects.toMatchObject({ code: "EADDRINUSE" });
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
    taken.close();
  }
});

test("a listener is not idle before all requests of a connection are carried out that have arrived, and tells all who wait for it", async () => {
  const count = 40;
  let handled = 0;
  const listener = await listenNative({ ...LISTENER_OPTIONS, port: 0 }, async ({ response }) => {
    await new Promise((resolve) => setImmediate(resolve));
    handled += 1;
    response.respond({ kind: "none" }, 404, [], "");
  });
  const socket = connect(listener.address.port, "127.0.0.1");
  socket.resume();
  socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(count));
  await expect.poll(() => handled, { interval: 1 }).toBeGreaterThan(0);
  const waiting = [listener.idle(), listener.idle()].map(async (idle) => {
    await idle;
    return handled;
  });
  expect(await Promise.all(waiting)).toEqual([count, count]);
  socket.destroy();
  await listener.close(0);
});

test("a client that goes on to send after the last response is read, however short a connection may be idle", async () => {
  const listener = await listenNative({ ...LISTENER_OPTIONS, keepAliveTimeoutMs: 1 }, async ({ response }) =>
    response.respond({ kind: "length", length: BODY_BYTES }, 401, [], "no"),
  );
  const socket = connect({ port: listener.address.port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => undefined).resume();
  socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${BODY_BYTES}\r\n\r\n`);
  await once(socket, "end");
  // As long as three looks at connections that are idle.
  for (let piece = 0; piece < 15; piece += 1) {
    socket.write("x");
    await setTimeout(50);
  }
  expect(await listener.connections()).toBe(1);
  socket.end();
  await once(socket, "close");
  await expect.poll(() => listener.connections(), { interval: 1 }).toBe(0);
  await listener.close(0);
});

/** Sends a part of a head on the fast lane, and 40 s later one that takes it to the other, by a method that the fast lane does not know. */
async function headOverBothLanes(listener: HttpListener): Promise<Socket> {
  const socket = connect(listener.address.port, "127.0.0.1");
  await once(socket, "connect");
  socket.write("PROP");
  await readSoFar(listener);
  vi.advanceTimersByTime(40_000);
  socket.write("FIND / HTTP/1.1\r\nHost: a\r\n");
  await readSoFar(listener);
  return socket;
}

/** Settles when the listener has read what was sent to it before: when a later connection has been refused, since it is served in turn. */
async function readSoFar(listener: HttpListener): Promise<void> {
  const later = connect(listener.address.port, "127.0.0.1");
  later.write("no request\r\n\r\n");
  expect(await text(later)).not.toBe("");
}

test("a head that goes to the other lane in part has its time only once", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  try {
    const options = { ...LISTENER_OPTIONS, rejectionBytes: (why: string) => why };
    const listener = await listenNative(options, async () => undefined);
    const socket = await headOverBothLanes(listener);
    const received = text(socket);
    vi.advanceTimersByTime(20_000);
    expect(await received).toBe("request_timeout");
    await listener.close(0);
  } finally {
    vi.useRealTimers();
  }
});

test("a head that goes to the other lane in part and is whole in time is not refused later", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  try {
    const begun = deferred<HttpExchange>();
    const options = { ...LISTENER_OPTIONS, rejectionBytes: (why: string) => why };
    const listener = await listenNative(options, async (exchange) => begun.resolve(exchange));
    const socket = await headOverBothLanes(listener);
    socket.write("\r\n");
    const { response } = await begun.promise;
    vi.advanceTimersByTime(20_000);
    const received = once(socket, "data");
    response.respond({ kind: "none" }, 200, [], "ok");
    expect(String(await received)).toMatch(/^HTTP\/1\.1 200 /);
    socket.destroy();
    await listener.close(0);
  } finally {
    vi.useRealTimers();
  }
});

test("a client that goes on to send after a refusal is read also while the listener closes, so that the refusal is not lost", async () => {
  const options = { ...LISTENER_OPTIONS, requestHeaderTimeoutMs: 1, rejectionBytes: () => "late" };
  const listener = await listenNative(options, async () => undefined);
  const socket = connect({ port: listener.address.port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => undefined).resume();
  socket.write("GET / HTTP/1.1\r\n");
  await once(socket, "end");
  const closed = listener.close(60_000);
  for (let piece = 0; piece < 3; piece += 1) {
    socket.write("x");
    await setTimeout(20);
  }
  expect(await listener.connections()).toBe(1);
  socket.end();
  await closed;
});

test("a connection that goes to the other lane, where it may live for long, keeps nothing of the requests before", async () => {
  let ofFastLane: WeakRef<object> | undefined;
  const listener = await listenNative(LISTENER_OPTIONS, async ({ request, response }) => {
    ofFastLane ??= new WeakRef(request.socket);
    response.respond({ kind: "none" }, 200, [], "ok");
  });
  const socket = connect(listener.address.port, "127.0.0.1");
  socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await once(socket, "data");
  socket.write("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  await once(socket, "data");
  const isKept = () => {
    collect();
    return ofFastLane?.deref() !== undefined;
  };
  await expect.poll(isKept).toBe(false);
  expect(await listener.connections()).toBe(1);
  socket.destroy();
  await listener.close(0);
});

/** More than is read to keep a connection. */
const BODY_BYTES = 1_000_000;
