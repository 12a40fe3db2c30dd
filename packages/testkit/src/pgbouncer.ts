import { chown, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasCode } from "../../service/src/error-code.ts";
import { guardDaemon, releaseDaemon } from "./daemon-guard.ts";
import { unprivilegedUser } from "./debian-postgres.ts";
import { freePort } from "./free-port.ts";
import { run } from "./run.ts";
import { until } from "./until.ts";

/** A pgbouncer of Debian in front of a server, in transaction mode. */
export interface PgBouncer extends AsyncDisposable {
  readonly port: number;
}

interface PooledServer {
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** @param poolSize connections to the server for each database, at most. */
export async function startPgBouncer(
  { port: serverPort, user, password }: PooledServer,
  poolSize = 20,
): Promise<PgBouncer> {
  const directory = await mkdtemp(join(tmpdir(), "membrane-pgbouncer-"));
  const port = await freePort();
  const [configFile, usersFile, pidFile] = ["pgbouncer.ini", "users.txt", "pgbouncer.pid"].map((name) =>
    join(directory, name),
  ) as [string, string, string];
  const config = [
    "[databases]",
    `* = host=127.0.0.1 port=${serverPort}`,
    "[pgbouncer]",
    `listen_port = ${port}`,
    "listen_addr = 127.0.0.1",
    "unix_socket_dir =",
    "auth_type = scram-sha-256",
    `auth_file = ${usersFile}`,
    "pool_mode = transaction",
    `default_pool_size = ${poolSize}`,
    "max_client_conn = 1000",
    // Every test has its database.
    "server_idle_timeout = 2",
    "autodb_idle_timeout = 2",
    `pidfile = ${pidFile}`,
    `logfile = ${join(directory, "log")}`,
  ];
  await writeFile(configFile, `${config.join("\n")}\n`);
  await writeFile(usersFile, `"${user}" "${password}"\n`, { mode: 0o600 });
  const { uid, gid } = unprivilegedUser();
  if (uid !== undefined && gid !== undefined)
    for (const path of [directory, configFile, usersFile]) await chown(path, uid, gid);
  guardDaemon({ directory, pidFile });
  const options = { ...unprivilegedUser(), cwd: "/", env: { PATH: "/usr/sbin:/usr/bin" } };
  const { code, stderr } = await run("pgbouncer", ["-d", "-q", configFile], options);
  if (code !== 0) throw new Error(`pgbouncer: ${stderr}`);
  await until("pgbouncer listens", () => isListening(port));
  return {
    port,
    async [Symbol.asyncDispose]() {
      process.kill(Number.parseInt(await readFile(pidFile, "utf8"), 10), "SIGTERM");
      await rm(directory, { recursive: true, force: true });
      releaseDaemon({ directory, pidFile });
    },
  };
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch (error) {
    if (hasCode(error, "ECONNREFUSED")) return false;
    throw error;
  } finally {
    socket.destroy();
  }
}
