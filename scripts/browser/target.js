import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

/** The key in the target's requests, which the page sees only in the target's response. */
export const KEY = "the-key-to-the-house";

/**
 * Starts a server that responds with facts about the request.
 *
 * @returns {Promise<{ authority: string, requests: () => number, end: () => Promise<void> }>}
 */
export async function startTarget() {
  let requests = 0;
  const server = createServer(async (request, response) => {
    requests += 1;
    const { method, url, headers } = request;
    const body = await text(request);
    response.writeHead(200, { "Content-Type": "application/json", "X-House": "open" });
    response.end(JSON.stringify({ key: headers["x-api-key"], origin: headers.origin, method, url, body }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    authority: `127.0.0.1:${portOf(server)}`,
    requests: () => requests,
    async end() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** @param {import("node:http").Server} server */
export function portOf(server) {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening at a port");
  return address.port;
}
