import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { LISTENER_OPTIONS } from "../../../testkit/src/listener-options.ts";
import { LISTENERS } from "../support/http-adapters.ts";

const BODY = "0123456789abcdef".repeat(2 * 1024 * 1024);

/** A listener that responds with the body at once, to any request. */
function listen({ listenHttp }: (typeof LISTENERS)[number], socketTimeoutMs: number) {
  return listenHttp({ ...LISTENER_OPTIONS, socketTimeoutMs }, async ({ response }) =>
    response.respond({ kind: "none" }, 200, [], BODY),
  );
}

/** Reads a response, and pauses after each of so many bytes. */
async function readSlowly(port: number, request: string, pieceBytes: number, endsAtOnce: boolean) {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => undefined);
  const closed = Promise.race([once(socket, "end"), once(socket, "close")]);
  let bytes = 0;
  let sincePause = 0;
  const whole = new Promise<void>((resolve) => {
    socket.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      sincePause += chunk.length;
      if (bytes > BODY.length) resolve();
      if (sincePause < pieceBytes) return;
      sincePause = 0;
      socket.pause();
      void sleep(25).then(() => socket.resume());
    });
  });
  if (endsAtOnce) socket.end(request);
  else socket.write(request);
  await Promise.race([whole, closed]);
  socket.destroy();
  return bytes;
}

const REQUEST = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

test.each(LISTENERS)(
  "a client that reads a long response steadily gets all of it, though that takes longer than its connection may be silent ($adapter)",
  async (lane) => {
    const listener = await listen(lane, 1_500);
    const received = await readSlowly(listener.address.port, REQUEST, 160 * 1024, false);
    expect(received).toBeGreaterThan(BODY.length);
    await listener.close(0);
  },
);

test.each(LISTENERS)(
  "a client that has ended its side gets all of a long response ($adapter)",
  async (lane) => {
    const listener = await listen(lane, 60_000);
    const received = await readSlowly(listener.address.port, REQUEST, BODY.length, true);
    expect(received).toBeGreaterThan(BODY.length);
    await listener.close(0);
  },
);
