import type { NetConnectOpts } from "node:net";
import type { ConnectionConfig } from "./config/connection-config.ts";

/** Where a socket connects to: a path is the directory of a Unix socket, as in libpq. */
export function serverAddress({ host, port }: Pick<ConnectionConfig, "host" | "port">): NetConnectOpts {
  // Without delay: statements are small, and each waits for the result of those before it.
  return host.startsWith("/") ? { path: `${host}/.s.PGSQL.${port}` } : { host, port, noDelay: true };
}
