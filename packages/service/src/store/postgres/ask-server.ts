import type { ConnectionConfig } from "./config/connection-config.ts";
import type { Connection } from "./connection.ts";
import { openConnection } from "./connection.ts";
import { useOnce } from "./deadline.ts";

const TIMEOUT_MS = 10_000;

/**
 * Asks a server something over a separate connection, perhaps through a pooler.
 *
 * @throws StoreBusyError if it cannot be reached, or does not respond in time.
 */
export function askServer<T>(
  config: ConnectionConfig,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  return useOnce(() => openConnection(config, TIMEOUT_MS, { isPooled: true }), TIMEOUT_MS, use);
}
