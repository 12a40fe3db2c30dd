import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { openConnection } from "../../packages/service/dist/store/postgres/connection.js";
import { startProgram } from "./start.js";

const PROGRAM = fileURLToPath(new URL("postgres-server.js", import.meta.url));
const USER = "bench";
const TIMEOUT_MS = 60_000;

/** @typedef {Awaited<ReturnType<typeof startPostgres>>} PostgresServer */
/** @typedef {Awaited<ReturnType<PostgresServer["makeDatabase"]>>} Database */

/** Starts a server, which ends with everything else that the bench starts. */
export async function startPostgres() {
  const password = randomBytes(12).toString("hex");
  const { pid, port } = await startProgram("PostgreSQL", [PROGRAM], {
    env: { PGUSER: USER, PGPASSWORD: password },
  });
  /** @param {string} database */
  const connectTo = (database) => {
    const config = { host: "127.0.0.1", port, database, user: USER, password };
    return openConnection({ ...config, sslMode: "disable", connectTimeoutMs: TIMEOUT_MS }, TIMEOUT_MS);
  };
  return {
    pid,
    /**
     * Makes an empty database.
     *
     * @param {string} name
     */
    async makeDatabase(name) {
      const server = connectTo("postgres");
      await server.query(`CREATE DATABASE ${name}`);
      await server.close();
      const connection = connectTo(name);
      return {
        /** What a service needs to keep its store there. */
        env: {
          MEMBRANE_STORE: `postgres://${USER}@127.0.0.1:${port}/${name}?sslmode=disable`,
          PGPASSWORD: password,
        },
        query: connection.query,
        close: connection.close,
      };
    },
  };
}
