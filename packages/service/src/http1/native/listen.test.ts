import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { expect, test, vi } from "vitest";
import type { ListenerOptions } from "../listener.ts";
import { listenNative } from "./listen.ts";

const OPTIONS: Omit<ListenerOptions, "port"> = {
  host: "127.0.0.1",
  maxHeaderBytes: 16_384,
  keepsHeads: true,
  maxConnections: 10,
  maxConnectionsPerAddress: 10,
  trustedProxies: [],
  requestHeaderTimeoutMs: 60_000,
  keepAliveTimeoutMs: 60_000,
  socketTimeoutMs: 60_000,
  pipeline: { perConnection: 100, bytes: 64 * 1024 * 1024 },
  rejectionBytes: () => "",
  isHandshake: () => false,
  onError: (error) => expect.unreachable(String(error)),
  onOverflow: () => expect.unreachable(),
  onConnectionRefused: () => expect.unreachable(),
};

test("a listener that cannot listen leaves no timer", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  try {
    const listening = listenNative({ ...OPTIONS, port }, async () => undefined);
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
  const listener = await listenNative({ ...OPTIONS, port: 0 }, async ({ response }) => {
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
