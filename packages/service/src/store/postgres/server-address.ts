import type { NetConnectOpts } from "node:net";
import type { ConnectionConfig } from "./config/connection-config.ts";
import { isUnixSocket } from "./config/connection-settings.ts";

/** Where a socket connects to. */
export function serverAddress({ host, port }: Pick<ConnectionConfig, "host" | "port">): NetConnectOpts {
  // Without delay: statements are small, and each waits for the result of those before it.
  return isUnixSocket(host) ? { path: `${host}/.s.PGSQL.${port}` } : { host, port, noDelay: true };
}
