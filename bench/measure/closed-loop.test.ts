import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { startClosedLoop } from "./closed-loop.js";

const LOAD = { connections: 4, bodyBytes: 10 };

async function listen(respond: RequestListener) {
  const server = createServer(respond).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("a server listens on an address");
  return { name: "server", pid: process.pid, url: `http://127.0.0.1:${address.port}/path`, token: "token" };
}

test("A closed loop sends its requests over as many connections as it has, and counts each response once", async () => {
  let responded = 0;
  const sockets = new Set();
  const urls = new Set();
  const gateway = await listen((request, response) => {
    sockets.add(request.socket);
    urls.add(request.url);
    request.resume().on("end", () => {
      responded += 1;
      response.end("body");
    });
  });

  const loop = await startClosedLoop(gateway, LOAD);
  await expect.poll(() => loop.completed()).toBeGreaterThan(100);
  await loop.stop();

  expect(loop.completed()).toBe(responded);
  expect(sockets.size).toBe(LOAD.connections);
  expect([...urls]).toEqual(["/path"]);
});

test("A load that gets another response than a 200 has failed, and says which", async () => {
  const gateway = await listen((request, response) => {
    response.writeHead(503, { "content-length": 0 });
    request.resume().on("end", () => response.end());
  });

  const loop = await startClosedLoop(gateway, LOAD);
  await expect.poll(() => failureOf(loop)).toContain("got: HTTP/1.1 503 ");
  await loop.stop();
});

function failureOf(loop: { completed(): number }): string {
  try {
    loop.completed();
    return "";
  } catch (error) {
    return String(error instanceof Error ? error.cause : error);
  }
}
