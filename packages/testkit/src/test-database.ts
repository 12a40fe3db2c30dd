import { randomBytes } from "node:crypto";
import { toKebabCase } from "../../service/src/flag-names.ts";
import type { ConnectionConfig } from "../../service/src/store/postgres/config/connection-config.ts";
import type { Row } from "../../service/src/store/postgres/sql-values.ts";
import { TEST_LEASE_TIMES, useConnection } from "./postgres-engine.ts";
import { connectionTo } from "./postgres-server.ts";
import type { ServiceProcess } from "./process.ts";
import { spawnService } from "./process.ts";

/** An empty database, and how separate processes reach it. */
export interface TestDatabase {
  readonly config: ConnectionConfig;
  /** Without the password. */
  readonly url: string;
  /** The password, in its variable. */
  readonly env: { readonly PGPASSWORD: string };
  /** Flags with which every command uses the database. */
  readonly flags: readonly string[];
  /** Starts a node on a data directory. @param flags more flags, which hold instead of these. */
  startNode(data: string, flags?: readonly string[]): Promise<ServiceProcess>;
  query(text: string): Promise<readonly Row[]>;
}

/** Flags for leases that do not end while a busy machine delays a process. */
export const LEASE_FLAGS: readonly string[] = Object.entries(TEST_LEASE_TIMES).map(
  ([name, value]) => `--${toKebabCase(name)}=${value}`,
);

export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString("hex")}`;
  await useConnection(await connectionTo("postgres"), (connection) =>
    connection.query(`CREATE DATABASE ${name}`),
  );
  const config = await connectionTo(name);
  return databaseAt(config, config.port);
}

/** @param port that of the server, or of a relay in front of it. */
export function databaseAt(config: ConnectionConfig, port: number): TestDatabase {
  const { host, user, password = "", database } = config;
  const url = `postgres://${user}@${host}:${port}/${database}`;
  const env = { PGPASSWORD: password };
  const flags = ["--store", url];
  return {
    config,
    url,
    env,
    flags,
    startNode: (data, more = LEASE_FLAGS) => spawnService(data, { flags: [...flags, ...more], env }),
    query: (text) => useConnection(config, (connection) => connection.query(text)),
  };
}
