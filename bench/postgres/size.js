// What an exported capability takes in the database, and what is written to the server's log (WAL) for it.
import { createMembrane, exportThrough, initStore, serve } from "../gateways/membrane.js";
import { endProgram } from "../gateways/start.js";
import { makeCalls, writeTokens } from "../measure/calls.js";

/** @typedef {import("./figure.js").Figure} Figure */
/** @typedef {import("../gateways/postgres.js").Database} Database */

/** How many calls each number of callers makes. */
const AMOUNTS = new Map([
  [1, 500],
  [32, 2_000],
]);
const MAX_SECONDS = 120;

const SIZE = `SELECT sum(pg_table_size(oid))::float8 AS rows, sum(pg_indexes_size(oid))::float8 AS indexes
  FROM pg_class WHERE relnamespace = 'membrane'::regnamespace AND relkind = 'r'`;

/**
 * Fills a separate database.
 *
 * @param {import("./world.js").World} world
 * @returns {Promise<Figure[]>}
 */
export async function measureSize({ server, uri }) {
  const database = await server.makeDatabase("size");
  const store = await initStore(database.env);
  const service = await serve(store, { name: "PostgreSQL, size" });
  const membrane = await createMembrane(service, store.create, "size");
  // The tables have their first rows.
  await exportThrough(service, membrane.export, { uri });
  const tokens = {
    create: await writeTokens("size-create", [store.create]),
    export: await writeTokens("size-export", [membrane.export]),
  };
  /** @type {Figure[]} */
  const figures = [];
  for (const kind of /** @type {const} */ (["export", "create"])) {
    const before = await sizeOf(database);
    let made = 0;
    /** @type {Figure[]} */
    const written = [];
    for (const [callers, amount] of AMOUNTS) {
      const from = await startOfWrites(database);
      const load = { kind, callers, urls: [service.url], tokens: tokens[kind], uri, amount };
      const { total } = await makeCalls({ ...load, seconds: MAX_SECONDS, warmSeconds: 0 });
      made += total;
      const what = `${kind}, ${callers} caller${callers === 1 ? "" : "s"}: WAL`;
      written.push({ what, unit: "bytes", postgres: [(await writtenSince(database, from)) / total] });
    }
    const after = await sizeOf(database);
    figures.push(
      { what: `${kind}: table`, unit: "bytes", postgres: [(after.rows - before.rows) / made] },
      { what: `${kind}: indexes`, unit: "bytes", postgres: [(after.indexes - before.indexes) / made] },
      ...written,
    );
  }
  await endProgram(service);
  await database.close();
  return figures;
}

/** @param {Database} database */
async function sizeOf({ query }) {
  await query("VACUUM");
  const [row] = await query(SIZE);
  return { rows: Number(row?.["rows"]), indexes: Number(row?.["indexes"]) };
}

/**
 * Reads where the write-ahead log ends, right after a checkpoint: the first change of each page after it is written as a whole page.
 *
 * @param {Database} database
 */
async function startOfWrites({ query }) {
  await query("CHECKPOINT");
  const [row] = await query("SELECT pg_current_wal_insert_lsn()::text AS lsn");
  return String(row?.["lsn"]);
}

/**
 * @param {Database} database
 * @param {string} lsn
 */
async function writtenSince({ query }, lsn) {
  const [row] = await query("SELECT (pg_current_wal_insert_lsn() - $1::pg_lsn)::float8 AS bytes", [lsn]);
  return Number(row?.["bytes"]);
}
