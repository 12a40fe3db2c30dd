import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { expect, test, vi } from "vitest";
import { LISTENER_OPTIONS } from "../../../../testkit/src/listener-options.ts";
import { listenNative } from "./listen.ts";

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
