import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { connect, createServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createChunkScheduler } from "../../collections/chunk-scheduler.ts";
import type { ExchangeContext } from "../exchange-context.ts";
import { RequestCutError } from "../in-flight-registry.ts";
import { testMeter } from "../../../../testkit/src/fixtures.ts";
import type { Tickable } from "../ticker.ts";
import { Tunnel } from "./tunnel.ts";

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** Two ends of one connection. */
async function pair(): Promise<readonly [near: Socket, far: Socket]> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const far = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [near] = (await once(server, "connection")) as [Socket];
  server.close();
  for (const socket of [near, far]) socket.on("error", () => undefined);
  sockets.push(near, far);
  return [near, far];
}

interface Opened {
  readonly tunnel: Tunnel;
  readonly client: Socket;
  readonly target: Socket;
  /** Whether the client is not read, since the target takes fewer bytes than it sends. */
  readonly isClientPaused: () => boolean;
  readonly revoke: () => void;
  /** Sets the clock and checks all limits. */
  readonly tick: (now: number) => void;
}

async function open(limits: { readonly maxClientBytes?: number } = {}): Promise<Opened> {
  const [nearClient, client] = await pair();
  const [nearTarget, target] = await pair();
  const ticked = new Set<Tickable>();
  let clock = 0;
  let revoke = (): void => undefined;
  const context = {
    ticker: {
      now: () => clock,
      add: (item: Tickable) => void ticked.add(item),
      delete: (item: Tickable) => void ticked.delete(item),
      stop: () => undefined,
    },
    chunkScheduler: createChunkScheduler(),
    waitingResponses: { watch: () => undefined, release: () => undefined },
    ensureFresh: () => undefined,
    countChunk: () => undefined,
    meter: testMeter(),
    minResponseRate: { windowMs: 60_000, bytesPerSecond: 240 },
    invocationTimeoutMs: 86_400_000,
  } as unknown as ExchangeContext;
  const inFlight = {
    isRevoked: false,
    checkExpiry: () => undefined,
    onRevoke(listener: (cause: RequestCutError) => void) {
      revoke = () => listener(new RequestCutError("REVOKED"));
    },
    onFinish: () => undefined,
    finishInvocation: () => undefined,
  };
  const tunnel = new Tunnel(
    { client: nearClient, target: nearTarget, inFlight, accounts: { capabilities: [], tenants: [] } },
    { startedAt: 0, idleTimeoutMs: 300_000, maxClientBytes: limits.maxClientBytes ?? Infinity },
    context,
  );
  return {
    tunnel,
    client,
    target,
    isClientPaused: () => nearClient.isPaused(),
    revoke: () => revoke(),
    tick(now) {
      clock = now;
      for (const item of ticked) item.tick(now);
    },
  };
}

async function received(socket: Socket): Promise<string> {
  return (await socket.setEncoding("latin1").toArray()).join("");
}

test("the client's bytes pass up to their limit, and the tunnel is cut by the first one over it", async () => {
  const { tunnel, client, target } = await open({ maxClientBytes: 5 });
  const atTarget = received(target);
  client.write("12345");
  client.end("6");
  expect(await tunnel.ended).toMatchObject({ kind: "aborted", cause: { code: "BODY_TOO_LARGE" } });
  expect("12345").toContain(await atTarget);
});

test("bytes of the target do not count against the client's limit", async () => {
  const { tunnel, client, target } = await open({ maxClientBytes: 0 });
  const atClient = received(client);
  target.end("many more");
  expect(await atClient).toBe("many more");
  expect(await tunnel.ended).toMatchObject({ kind: "completed", status: 101, report: { forwardedBytes: 9 } });
});

test("thousands of pieces of one byte arrive in their order, though their sender is paused in between", async () => {
  const { client, target } = await open();
  const atTarget = received(target);
  const bytes = Array.from({ length: 3_000 }, (_, i) => String.fromCharCode(i % 251));
  for (const byte of bytes)
    await new Promise((resolve) => {
      client.write(Buffer.from(byte, "latin1"), resolve);
    });
  client.end();
  expect(await atTarget).toBe(bytes.join(""));
});

test("a revoke cuts both sides", async () => {
  const { tunnel, client, target, revoke } = await open();
  const ends = [once(client, "close"), once(target, "close")];
  client.resume();
  target.resume();
  revoke();
  expect(await tunnel.ended).toMatchObject({ kind: "aborted", cause: { code: "REVOKED" } });
  await Promise.all(ends);
});

test("after the client has ended its side, a target that says nothing is given up after ten seconds", async () => {
  const { tunnel, client, target, tick } = await open();
  target.resume();
  client.end("bye");
  await once(target, "end");
  tick(1);
  tick(10_000);
  tick(10_001);
  expect(await tunnel.ended).toMatchObject({ kind: "client_disconnected", report: { receivedBytes: 3 } });
});

test("after the target has ended its side, what a client still sends does not keep the tunnel open", async () => {
  const { tunnel, client, target, tick } = await open();
  target.end("over");
  client.resume();
  await once(client, "end");
  client.write("more");
  tick(1);
  client.write("and more");
  tick(10_001);
  expect(await tunnel.ended).toMatchObject({ kind: "completed", report: { receivedBytes: 0 } });
});

test.each([
  { how: "ended its side", leave: (target: Socket): unknown => target.end() },
  { how: "broken its connection", leave: (target: Socket): unknown => target.resetAndDestroy() },
])(
  "a client that sent more than the target read is noticed to leave after the target has $how",
  async ({ leave }) => {
    const { tunnel, client, target, isClientPaused } = await open();
    client.write(Buffer.alloc(32 * 1_024 * 1_024));
    await expect.poll(isClientPaused).toBe(true);
    leave(target);
    client.resume();
    await once(client, "end");
    client.destroy();
    expect(await tunnel.ended).toMatchObject({ status: 101 });
  },
);

test("what a target sent before its connection broke arrives", async () => {
  const { tunnel, client, target } = await open();
  const atClient = received(client);
  target.write("why");
  await once(client, "readable");
  target.resetAndDestroy();
  expect(await atClient).toBe("why");
  client.destroy();
  expect(await tunnel.ended).toMatchObject({ kind: "aborted", status: 101 });
});
