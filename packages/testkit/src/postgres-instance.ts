import { randomBytes } from "node:crypto";
import { appendFile, chown, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConnectionConfig } from "../../service/src/store/postgres/config/connection-config.ts";
import { guardDaemon, releaseDaemon } from "./daemon-guard.ts";
import { runDebianProgram, unprivilegedUser } from "./debian-postgres.ts";
import { freePort } from "./free-port.ts";
import type { LoopbackServer } from "./superuser-connection.ts";
import { superuserConnection } from "./superuser-connection.ts";

/** A server of Debian's PostgreSQL on loopback, which a test starts, stops and promotes as an operator does. */
export interface PostgresInstance extends LoopbackServer, AsyncDisposable {
  /** Where its data is; its configuration and its log are among it. */
  readonly directory: string;
  /** How to connect to one of its databases as superuser. */
  config(database?: string): ConnectionConfig;
  /** Adds settings, with their values as in `postgresql.conf`, for the next start or {@link PostgresInstance.reload}. */
  configure(settings: Readonly<Record<string, string>>): Promise<void>;
  /** Writes a file into its directory that only the server can read. @returns its path. */
  writeFile(name: string, text: string): Promise<string>;
  /** @param port default: the one it had before. Another server's, which has stopped, makes it take that one's place. */
  start(port?: number): Promise<void>;
  /** @param mode `immediate` is like a crash. */
  stop(mode: "fast" | "immediate"): Promise<void>;
  reload(): Promise<void>;
  /** Makes a standby the primary. */
  promote(): Promise<void>;
  /** Copies it to a new standby, which names itself so, and starts that. */
  startStandby(name: string): Promise<PostgresInstance>;
  /** The process id of its first process. */
  pid(): Promise<number>;
  log(): Promise<string>;
}

export interface InstanceOptions {
  readonly settings?: Readonly<Record<string, string>>;
  /** Where to make its directory. Default: that of temporary files. */
  readonly parent?: string;
}

/** Makes and starts a server. It ends, and its files are removed, when it is disposed of, or with this process. */
export async function startPostgres({
  settings = {},
  parent = tmpdir(),
}: InstanceOptions = {}): Promise<PostgresInstance> {
  const [user, password] = ["membrane_test", randomBytes(12).toString("hex")];
  const directory = await newDirectory(parent);
  const passwordFile = join(directory, "..", `${user}-${randomBytes(6).toString("hex")}`);
  await writeForServer(passwordFile, password);
  const instance = await createInstance(directory, user, password);
  try {
    const access = ["--auth=scram-sha-256", `--username=${user}`, `--pwfile=${passwordFile}`];
    await runDebianProgram("initdb", ["-D", directory, "--encoding=UTF8", "--no-locale", "-N", ...access]);
    // Tests read the whole write-ahead log, in which those before them wrote.
    const wal = { min_wal_size: "'32MB'", max_wal_size: "'64MB'" };
    await instance.configure({ max_connections: "200", shared_buffers: "'64MB'", ...wal, ...settings });
    await instance.start();
  } finally {
    await rm(passwordFile);
  }
  return instance;
}

async function createInstance(directory: string, user: string, password: string): Promise<PostgresInstance> {
  let port = await freePort();
  const pidFile = join(directory, "postmaster.pid");
  const logFile = join(directory, "server.log");
  guardDaemon({ directory, pidFile });
  const control = async (...args: readonly string[]): Promise<void> =>
    void (await runDebianProgram("pg_ctl", [...args, "-s", "-w", "-D", directory]));
  const instance: PostgresInstance = {
    get port() {
      return port;
    },
    user,
    password,
    directory,
    config: (database) => superuserConnection({ port, user, password }, database),
    configure: (settings) =>
      appendFile(
        join(directory, "postgresql.conf"),
        Object.entries(settings)
          .map(([name, value]) => `${name} = ${value}\n`)
          .join(""),
      ),
    async writeFile(name, text) {
      await writeForServer(join(directory, name), text);
      return join(directory, name);
    },
    async start(given = port) {
      port = given;
      const flags = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''`;
      await control("start", "-l", logFile, "-o", flags).catch(async (cause: unknown) => {
        throw new Error(await instance.log(), { cause });
      });
    },
    stop: (mode) => control("stop", "-m", mode),
    reload: async () => void (await runDebianProgram("pg_ctl", ["reload", "-s", "-D", directory])),
    promote: () => control("promote"),
    async startStandby(name) {
      const copy = await newDirectory(tmpdir());
      const standby = await createInstance(copy, user, password);
      const source = `host=127.0.0.1 port=${port} user=${user}`;
      const settings = ["-D", copy, "-d", source, "--write-recovery-conf", "--checkpoint=fast", "--no-sync"];
      await runDebianProgram("pg_basebackup", settings, { PGPASSWORD: password });
      await standby.configure({
        primary_conninfo: `'${source} password=${password} application_name=${name}'`,
      });
      // The later file would override the name.
      await rm(join(copy, "postgresql.auto.conf"));
      await standby.start();
      return standby;
    },
    pid: async () => Number.parseInt(await readFile(pidFile, "utf8"), 10),
    log: () => readFile(logFile, "utf8"),
    async [Symbol.asyncDispose]() {
      await instance.stop("immediate").catch(() => undefined);
      await rm(directory, { recursive: true, force: true });
      releaseDaemon({ directory, pidFile });
    },
  };
  return instance;
}

async function newDirectory(parent: string): Promise<string> {
  const directory = await mkdtemp(join(parent, "membrane-postgres-"));
  await giveToServer(directory);
  return directory;
}

async function writeForServer(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600 });
  await giveToServer(path);
}

async function giveToServer(path: string): Promise<void> {
  const { uid, gid } = unprivilegedUser();
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid);
}
