import { once } from "node:events";
import type { Server as HttpServer } from "node:http";
import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";

/**
 * Lets an HTTP server listen on one port of several loopback addresses, and on no other address of the machine.
 *
 * @param others addresses in addition to 127.0.0.1; `::1` is left out if the machine has no IPv6.
 */
export async function listenOnLoopback(
  server: HttpServer,
  others: readonly string[],
): Promise<{ readonly port: number; close(): void }> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const servers: Server[] = [];
  for (const address of others) {
    const extra = createServer((socket) => void server.emit("connection", socket));
    extra.listen(port, address);
    try {
      await once(extra, "listening");
    } catch (error) {
      if (address === "::1") continue;
      throw error;
    }
    servers.push(extra);
  }
  return {
    port,
    close() {
      for (const token of [server, ...servers]) token.close();
      server.closeAllConnections();
    },
  };
}
