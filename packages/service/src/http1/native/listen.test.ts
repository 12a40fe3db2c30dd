import { once } from "node:events";
import { createServer } from "node:net";
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
