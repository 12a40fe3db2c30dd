import { once } from "node:events";
import type { EmbeddedServer } from "./embedded-server.ts";
import { embeddedServerScript, spawnEmbeddedServer } from "./embedded-server.ts";
import type { PgBouncer } from "./pgbouncer.ts";
import { startPgBouncer } from "./pgbouncer.ts";
import { startPostgres } from "./postgres-instance.ts";
import { superuserConnection } from "./superuser-connection.ts";
import type { ConnectionConfig } from "../../service/src/store/postgres/config/connection-config.ts";

const SCRIPT = embeddedServerScript(
  false,
  `
process.on("disconnect", async () => {
  await server.stop();
  process.exit();
});`,
);

let server: Promise<EmbeddedServer> | undefined;

/**
 * Starts the server when it is first needed. All files of a test process share it. The variable `TEST_POSTGRES` says which: the one
 * in node_modules (`embedded`, the default), or Debian's (`debian`, or `pgbouncer` with a pooler in front of it).
 */
export function postgresServer(): Promise<EmbeddedServer> {
  server ??= startNamed(process.env["TEST_POSTGRES"] ?? "embedded");
  return server;
}

async function startNamed(name: string): Promise<EmbeddedServer> {
  if (name === "embedded") return startEmbedded();
  if (name === "debian" || name === "pgbouncer") return startPostgres();
  throw new Error("TEST_POSTGRES: expected embedded, debian or pgbouncer");
}

async function startEmbedded(): Promise<EmbeddedServer> {
  const child = spawnEmbeddedServer(SCRIPT);
  const [started] = await Promise.race([
    once(child, "message"),
    once(child, "exit").then(() => {
      throw new Error("the PostgreSQL server did not start");
    }),
  ]);
  child.unref();
  child.channel?.unref();
  return started as EmbeddedServer;
}

let pooler: Promise<PgBouncer> | undefined;

/** How a node connects to a database of the server: through the pooler if the run has one. */
export async function connectionOfNode(config: ConnectionConfig): Promise<ConnectionConfig> {
  if (process.env["TEST_POSTGRES"] !== "pgbouncer") return config;
  const started = await postgresServer();
  // Some tests connect through a relay, or to another server.
  if (config.port !== started.port) return config;
  pooler ??= startPgBouncer(started);
  return { ...config, port: (await pooler).port };
}

/** How to connect to a database of the server. */
export async function connectionTo(database: string): Promise<ConnectionConfig> {
  return superuserConnection(await postgresServer(), database);
}
