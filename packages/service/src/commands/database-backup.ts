import { resolve } from "node:path";
import type { DataConfig } from "../config.ts";
import { ConfigError } from "../config-error.ts";
import { dataPaths } from "./data-directory.ts";

/** What to use for a store in PostgreSQL, whose own tools copy a database at one moment. */
const INSTEAD = {
  backup: "use pg_dump, or pg_basebackup with the write-ahead log",
  restore: "stop all nodes, and use pg_restore, or the base backup",
} as const;

/** @throws ConfigError for a store in a database, with what to use instead. */
export function rejectDatabaseBackup(command: keyof typeof INSTEAD, config: DataConfig): void {
  if (config.postgres === undefined) return;
  throw new ConfigError(
    `${command}: the store is in PostgreSQL: ${INSTEAD[command]}. Neither has the service key (${resolve(dataPaths(config).serviceKey)}), without which a copy cannot be opened: keep it apart from the backups`,
  );
}
