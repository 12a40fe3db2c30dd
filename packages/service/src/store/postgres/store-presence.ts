import type { ConnectionConfig } from "./config/connection-config.ts";
import { openConnection } from "./connection.ts";
import { useOnce } from "./deadline.ts";
import { checkServer } from "./server-check.ts";

const TIMEOUT_MS = 10_000;

/**
 * Whether a database has a store, made with whatever key. Makes nothing there.
 *
 * @throws StoreFormatError if the server cannot keep one.
 * @throws StoreBusyError if it cannot be reached.
 */
export function hasStore(config: ConnectionConfig): Promise<boolean> {
  return useOnce(
    () => openConnection(config, TIMEOUT_MS, { isPooled: true }),
    TIMEOUT_MS,
    async (connection) => {
      await checkServer(connection);
      const [table] = await connection.query("SELECT to_regclass('membrane.meta') IS NOT NULL AS is_there");
      if (table?.["is_there"] !== true) return false;
      return (await connection.query("SELECT FROM membrane.meta WHERE key = 'format'")).length > 0;
    },
  );
}
