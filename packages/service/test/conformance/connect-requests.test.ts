import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import type { HttpListener } from "../../src/http1/listener.ts";
import { deferred } from "../../../testkit/src/deferred.ts";
import { LISTENER_OPTIONS } from "../../../testkit/src/listener-options.ts";
import { LISTENERS } from "../support/http-adapters.ts";

const REFUSAL = "HTTP/1.1 400 connect\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/** A listener that refuses CONNECT, and holds back each response until it is released. */
async function listen({ listenHttp }: (typeof LISTENERS)[number]) {
  const begun = deferred<void>();
  const released = deferred<void>();
  const listener = await listenHttp(
    {
      ...LISTENER_OPTIONS,
      rejectionBytes: (rejection) => (rejection === "connect" ? REFUSAL : ""),
    },
    async ({ response }) => {
      begun.resolve();
      await released.promise;
      if (!response.destroyed) response.respond({ kind: "none" }, 204, [], "");
    },
  );
  return { listener, begun: begun.promise, release: () => released.resolve() };
}

/** Sends pieces, each once the one before can be read, and returns all that comes until the end. */
async function ask({ address }: HttpListener, pieces: readonly string[]): Promise<string> {
  const socket = connect(address.port, "127.0.0.1");
  socket.setNoDelay(true);
  let received = "";
  socket.on("data", (bytes) => (received += bytes.toString("latin1")));
  socket.on("error", () => undefined);
  const closed = once(socket, "close");
  for (const piece of pieces) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket.write(piece, "latin1");
  }
  await closed;
  return received;
}

const HEAD = "CONNECT /x HTTP/1.1\r\nHost: a\r\n\r\n";

test.each(LISTENERS)("CONNECT gets its refusal wherever its head is cut ($adapter)", async (lane) => {
  const { listener } = await listen(lane);
  for (const at of [3, 8, 9, 12, 21, 24, HEAD.length - 1, HEAD.length]) {
    expect(await ask(listener, [HEAD.slice(0, at), HEAD.slice(at)]), String(at)).toBe(REFUSAL);
  }
  await listener.close(0);
});

test.each(LISTENERS)(
  "CONNECT behind a request that is carried out ends the connection at once, wherever it is cut ($adapter)",
  async (lane) => {
    for (const at of [0, 4, 8]) {
      const { listener, release } = await listen(lane);
      const first = `GET / HTTP/1.1\r\nHost: a\r\n\r\n${HEAD.slice(0, at)}`;
      expect(await ask(listener, [first, HEAD.slice(at)]), String(at)).toBe("");
      release();
      await listener.close(0);
    }
  },
);
