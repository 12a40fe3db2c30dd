import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LISTENER_OPTIONS } from "../../../testkit/src/listener-options.ts";
import type { RawConnection } from "../../../testkit/src/raw-connection.ts";
import { openRawConnection } from "../../../testkit/src/raw-connection.ts";
import type { HttpListener } from "../../src/http1/listener.ts";
import { RequestBody } from "../../src/invocation/request-body.ts";
import type { Tickable } from "../../src/invocation/ticker.ts";
import { LISTENERS } from "../support/http-adapters.ts";

/** How often the service looks for other requests, in milliseconds, and how often at most before a body goes on. */
const LOOK_MS = 50;
const MAX_LOOKS = 120;

/** Tiny chunks that come at once and are enough to throttle their body. */
const MANY = 2_100;

let listener: HttpListener;
const opened: RawConnection[] = [];
/** How many bytes of the body of each path have passed. */
const passed = new Map<string, number>();
/** The bodies in flight, to be looked at. */
const tickables = new Set<Tickable>();
/** The codes of the errors with which bodies have ended. */
const errors: unknown[] = [];

const BODIES = {
  ticker: {
    now: () => 0,
    add: (body: Tickable) => void tickables.add(body),
    delete: (body: Tickable) => void tickables.delete(body),
    stop: () => undefined,
  },
  minRequestRate: { windowMs: 1_000, bytesPerSecond: 1_000 },
  onBytes: () => undefined,
};

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "performance"] }));

afterEach(async () => {
  vi.useRealTimers();
  for (const connection of opened.splice(0)) await connection[Symbol.asyncDispose]();
  await listener.close(0);
  passed.clear();
  tickables.clear();
  errors.splice(0);
});

async function listen({ listenHttp }: (typeof LISTENERS)[number]): Promise<void> {
  listener = await listenHttp(LISTENER_OPTIONS, async ({ request, response }) => {
    if (request.method === "GET") return response.respond({ kind: "none" }, 200, [], "ok");
    const path = request.url ?? "";
    const body = new RequestBody(request, BODIES);
    body.on("data", (chunk: Buffer) => void passed.set(path, (passed.get(path) ?? 0) + chunk.length));
    body.on("error", (error) => void errors.push("code" in error ? error.code : error));
    await new Promise((resolve) => void body.on("close", resolve));
  });
}

async function open(): Promise<RawConnection> {
  const connection = await openRawConnection(listener.address.port);
  opened.push(connection);
  return connection;
}

/** Waits, without a timer: `expect.poll` would advance those of the service. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await setImmediate();
}

/** Sends the head of a request and these many tiny chunks of its body, and waits until they have passed. */
async function beginBody(path: string, chunks: number, passing = chunks): Promise<RawConnection> {
  const connection = await open();
  connection.send(`POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`);
  connection.send("1\r\nx\r\n".repeat(chunks));
  await until(() => (passed.get(path) ?? 0) >= passing);
  return connection;
}

/** The service looks for other requests once. */
async function look(): Promise<void> {
  vi.advanceTimersByTime(LOOK_MS);
  for (let turn = 0; turn < 5; turn += 1) await setImmediate();
}

/** @returns a function that makes another request. */
async function openOther(): Promise<() => Promise<void>> {
  const connection = await open();
  let count = 0;
  return async () => {
    count += 1;
    connection.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await connection.until((text) => text.split("200 OK").length > count);
  };
}

test.each(LISTENERS)(
  "a body in thousands of tiny chunks is not read on while other requests come, and is complete after them ($adapter)",
  async (lane) => {
    await listen(lane);
    const other = await openOther();
    const connection = await beginBody("/tiny", 30_000, MANY);
    await other();
    await look();
    const before = passed.get("/tiny") ?? 0;
    for (let count = 0; count < 20; count += 1) {
      await other();
      await look();
    }
    expect(passed.get("/tiny")).toBe(before);
    expect(before).toBeLessThan(30_000);
    connection.send("0\r\n\r\n");
    while ((passed.get("/tiny") ?? 0) < 30_000) await look();
    expect(errors).toEqual([]);
  },
);

test.each(LISTENERS)(
  "clients that left while their bodies were paused hold up no other body ($adapter)",
  async (lane) => {
    await listen(lane);
    const other = await openOther();
    for (const path of ["/ended", "/reset", "/ended-too"]) {
      const { socket } = await beginBody(path, MANY);
      if (path === "/reset") socket.resetAndDestroy();
      else socket.destroy();
    }
    const connection = await beginBody("/live", MANY);
    connection.send("1\r\nx\r\n");
    let looks = 0;
    for (; passed.get("/live") === MANY; looks += 1) {
      await other();
      await look();
    }
    expect(looks).toBeLessThan(MAX_LOOKS + 5);
  },
);

test.each(LISTENERS)("a body that the service has paused is not too slow ($adapter)", async (lane) => {
  await listen(lane);
  const other = await openOther();
  await beginBody("/paused", MANY);
  await other();
  const tick = (at: number): void => tickables.forEach((body) => body.tick(at));
  for (const at of [0, 2_000, 4_000, 6_000]) tick(at);
  await setImmediate();
  expect(errors).toEqual([]);
  await look();
  await look();
  for (const at of [8_000, 10_000]) tick(at);
  await until(() => errors.length > 0);
  expect(errors).toEqual(["CLIENT_TOO_SLOW"]);
});

test.each(LISTENERS)(
  "a body whose first thousands of tiny chunks come slowly is not paused ($adapter)",
  async (lane) => {
    await listen(lane);
    const connection = await beginBody("/slow", 2_000);
    vi.advanceTimersByTime(200);
    for (const more of [1_000, 100]) {
      const all = (passed.get("/slow") ?? 0) + more;
      connection.send("1\r\nx\r\n".repeat(more));
      await until(() => passed.get("/slow") === all);
    }
  },
);
