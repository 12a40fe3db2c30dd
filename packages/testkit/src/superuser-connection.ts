import type { ConnectionConfig } from "../../service/src/store/postgres/config/connection-config.ts";

/** A server on loopback, with a user who may do everything. */
export interface LoopbackServer {
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** How that user connects to one of the server's databases. */
export function superuserConnection(
  { port, user, password }: LoopbackServer,
  database = "postgres",
): ConnectionConfig {
  return {
    host: "127.0.0.1",
    port,
    database,
    user,
    password,
    sslMode: "disable",
    connectTimeoutMs: 10_000,
  };
}
