import { connect } from "node:net";
import { expect, test } from "vitest";
import { LISTENER_OPTIONS } from "../../../testkit/src/listener-options.ts";
import { LISTENERS } from "../support/http-adapters.ts";

const HEAD_BYTES = 16_384;
const SINGLE = 20;

test.each(LISTENERS)(
  "of thousands of pipelined requests that wait for nothing, a few dozen are carried out in one turn of the event loop ($adapter)",
  async ({ listenHttp }) => {
    const count = 3_000;
    let inTurn = 0;
    let most = 0;
    const listener = await listenHttp(
      { ...LISTENER_OPTIONS, maxHeaderBytes: HEAD_BYTES },
      async ({ response }) => {
        inTurn += 1;
        response.respond({ kind: "none" }, 404, [], "");
      },
    );
    let isOver = false;
    const turn = (): void => {
      most = Math.max(most, inTurn);
      inTurn = 0;
      if (!isOver) setImmediate(turn);
    };
    turn();
    const socket = connect(listener.address.port, "127.0.0.1");
    let received = "";
    socket.on("data", (bytes) => (received += bytes.toString("latin1")));
    const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    // One after the other first: what does not wait uses up no turn.
    for (let sent = 0; sent < SINGLE; sent += 1) {
      socket.write(request);
      await expect.poll(() => received.split("HTTP/1.1 404 ").length, { interval: 2 }).toBe(sent + 2);
    }
    socket.write(request.repeat(count));
    await expect
      .poll(() => received.split("HTTP/1.1 404 ").length, { timeout: 20_000 })
      .toBe(SINGLE + count + 1);
    isOver = true;
    socket.destroy();
    await listener.close(0);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(64);
  },
);
