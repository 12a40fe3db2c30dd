import { randomBytes } from "node:crypto";
import { access, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { firstTokens } from "../../../../testkit/src/data-directory.ts";
import { useConnection } from "../../../../testkit/src/postgres-engine.ts";
import type { RestartablePostgres } from "../../../../testkit/src/restartable-postgres.ts";
import { startRestartablePostgres } from "../../../../testkit/src/restartable-postgres.ts";
import { superuserConnection } from "../../../../testkit/src/superuser-connection.ts";
import type { TestService } from "../../../../testkit/src/service.ts";
import { temporaryDirectory } from "../../../../testkit/src/temporary-directory.ts";
import type { Connection } from "../../../src/store/postgres/connection.ts";
import { createServiceKeyFile } from "../../../src/store/service-key-file.ts";
import type { ClusterNode } from "./cluster-node.ts";
import { startNode } from "./cluster-node.ts";

/** Several processes of the service on one database of a real server. */
export interface Cluster extends AsyncDisposable {
  readonly server: RestartablePostgres;
  readonly nodes: readonly ClusterNode[];
  /** Tokens of the first tenant. */
  readonly tokens: TestService["tokens"];
  /** Uses a connection to the database without a relay. */
  use<T>(run: (connection: Connection) => Promise<T>): Promise<T>;
}

/** Nodes that start at once, on a new database. */
interface Group extends AsyncDisposable {
  readonly nodes: readonly ClusterNode[];
  readonly tokens: TestService["tokens"];
}

export interface GroupOptions {
  /** The name of the new database. */
  readonly database: string;
  readonly size: number;
  readonly flags?: readonly string[];
}

const DATABASE = "cluster";

/** Starts a server, and nodes at once on an empty database. */
export async function startCluster(size: number): Promise<Cluster> {
  const server = await startRestartablePostgres();
  try {
    const group = await startGroup(server, { database: DATABASE, size });
    return {
      server,
      nodes: group.nodes,
      tokens: group.tokens,
      use: (run) => useConnection(superuserConnection(server, DATABASE), run),
      async [Symbol.asyncDispose]() {
        await group[Symbol.asyncDispose]();
        await server[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** Makes a database, and starts nodes on it. All have the same service key, and make the schema and the first tenant at once. */
export async function startGroup(
  server: RestartablePostgres,
  { database, size, flags = [] }: GroupOptions,
): Promise<Group> {
  await useConnection(superuserConnection(server), (connection) =>
    connection.query(`CREATE DATABASE ${database}`),
  );
  const directory = await temporaryDirectory();
  const serviceKey = join(directory.path, "service.key");
  await createServiceKeyFile(serviceKey, randomBytes);
  const { user, password } = server;
  const numbers = Array.from({ length: size }, (_, number) => number);
  const directories = numbers.map((number) => join(directory.path, `node-${number}`));
  const starts = await Promise.allSettled(
    numbers.map(async (number) => {
      await mkdir(directories[number]!, { mode: 0o700 });
      return startNode({
        number,
        directory: directories[number]!,
        serverPort: server.port,
        flags: ["--service-key-file", serviceKey, ...flags],
        environment: (port) => ({
          MEMBRANE_STORE: `postgres://${user}:${password}@127.0.0.1:${port}/${database}?sslmode=disable&connect_timeout=60`,
        }),
      });
    }),
  );
  const nodes = starts.flatMap((start) => (start.status === "fulfilled" ? start.value : []));
  const dispose = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
    await directory[Symbol.asyncDispose]();
    await useConnection(superuserConnection(server), (connection) =>
      connection.query(`DROP DATABASE ${database} WITH (FORCE)`),
    );
  };
  try {
    const failed = starts.find((start) => start.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return { nodes, tokens: await onlyTokens(directories), [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Reads the first tenant's tokens, which exactly one of the nodes has written. */
async function onlyTokens(directories: readonly string[]): Promise<TestService["tokens"]> {
  const written = await Promise.all(
    directories.map(async (directory) => {
      const isThere = await access(join(directory, "first-capabilities.json")).then(
        () => true,
        () => false,
      );
      return isThere ? [await firstTokens(directory)] : [];
    }),
  );
  const [tokens, other] = written.flat();
  if (tokens === undefined || other !== undefined) {
    throw new Error(`expected one node to make the first tenant, not ${written.flat().length}`);
  }
  return tokens;
}
