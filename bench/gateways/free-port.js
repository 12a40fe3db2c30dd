import { once } from "node:events";
import { createServer } from "node:net";

/** Finds a port of loopback that nothing listens on. */
export async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new TypeError("a server listens on an address");
  return address.port;
}
