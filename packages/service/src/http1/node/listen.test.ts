import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { LISTENER_OPTIONS } from "../../../../testkit/src/listener-options.ts";
import { LISTENERS } from "../../../test/support/http-adapters.ts";
import type { DownstreamRequest } from "../downstream.ts";

test.each(LISTENERS)(
  "a connection is read in its order by $adapter, though all are paused twice since requests of others take too much memory",
  async ({ listenHttp }) => {
    const handled: string[] = [];
    let onOther = (): void => undefined;
    let overflows = 0;
    const listener = await listenHttp(
      {
        ...LISTENER_OPTIONS,
        pipeline: { perConnection: 100, bytes: 0 },
        onOverflow: () => (overflows += 1),
      },
      async ({ request, response }) => {
        if (request.url === "/other") {
          onOther();
          return new Promise(() => undefined);
        }
        handled.push(`${request.method} ${request.url} ${await lengthOf(request)}`);
        response.respond({ kind: "none" }, 404, [], "");
      },
    );
    const open = () =>
      connect(listener.address.port, "127.0.0.1")
        .on("error", () => undefined)
        .resume();
    const [first, second, shared] = [open(), open(), open()];
    await Promise.all([first, second, shared].map((socket) => once(socket, "connect")));
    await expect.poll(() => listener.connections(), { interval: 1 }).toBe(3);
    const tooMuch = chunked("/other") + "GET /never HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20);
    first.write(tooMuch);
    second.write(tooMuch);
    const body = "DELETE /never HTTP/1.1\r\nHost: a\r\n\r\n";
    // When the second one is read, the shared one was given to Node's server, too, which has not been told to go on.
    onOther = () => void (onOther = () => void shared.write(body));
    shared.write(`${chunked("/1")}PUT /2 HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`);
    await expect.poll(() => handled.length, { interval: 1 }).toBe(2);
    expect(handled).toEqual(["POST /1 0", `PUT /2 ${body.length}`]);
    expect(overflows).toBe(2);
    for (const socket of [first, second, shared]) socket.destroy();
    await listener.close(0);
  },
);

function chunked(path: string): string {
  return `POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`;
}

async function lengthOf(request: DownstreamRequest): Promise<number> {
  let length = 0;
  request.on("data", (chunk) => (length += chunk.length));
  await new Promise<void>((resolve) => request.on("end", resolve));
  return length;
}
