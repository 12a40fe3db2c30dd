// A service over each engine, on one machine, with a target that both lead to.
import { createMembrane, exportThrough, initStore, serve } from "../gateways/membrane.js";
import { startPostgres } from "../gateways/postgres.js";
import { startTarget } from "../gateways/start.js";
import { writeTokens } from "../measure/calls.js";

/** @typedef {Awaited<ReturnType<typeof startWorld>>} World */
/** @typedef {Awaited<ReturnType<typeof startSide>>} Side */

export async function startWorld() {
  const uri = `http://127.0.0.1:${await startTarget()}/`;
  const server = await startPostgres();
  const database = await server.makeDatabase("bench");
  return {
    uri,
    server,
    database,
    lmdb: await startSide("LMDB", uri),
    postgres: await startSide("PostgreSQL", uri, { env: database.env, server }),
  };
}

/**
 * @param {string} name
 * @param {string} uri
 * @param {{ env?: Record<string, string>, server?: { pid: number } }} where the store is, if it is not in the service's process
 */
async function startSide(name, uri, { env = {}, server } = {}) {
  const store = await initStore(env);
  const service = await serve(store, { name });
  const membrane = await createMembrane(service, store.create, "bench");
  const token = await exportThrough(service, membrane.export, { uri });
  return {
    name,
    store,
    service,
    server,
    membrane,
    /** An exported capability. */
    plain: { ...service, token },
    /** Files with the token of each kind of call, under the names of the kinds. */
    tokens: {
      invoke: await writeTokens(`${name}-invoke`, [token]),
      create: await writeTokens(`${name}-create`, [store.create]),
      export: await writeTokens(`${name}-export`, [membrane.export]),
    },
  };
}
