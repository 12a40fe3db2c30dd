import { StoreFormatError } from "../store.ts";
import { MIGRATION_LOCK } from "./advisory-locks.ts";
import type { Connection } from "./connection.ts";
import type { Migration } from "./migrations.ts";
import { transactionTimeout } from "./session-settings.ts";

const SCHEMA_VERSION = "SELECT coalesce(max(version), 0)::int AS version FROM membrane.migration";

/** Longer than another node takes to change the schema, and shorter than a start may take. */
const LOCK_TIMEOUT_MS = 50_000;

/**
 * Brings the schema to the newest version, in one transaction. Of several nodes that start at once one does it and the others
 * wait for it.
 *
 * @throws StoreFormatError if a newer program has changed the schema.
 */
export async function migrate(connection: Connection, migrations: readonly Migration[]): Promise<void> {
  if (await isCurrent(connection, migrations.length)) return;
  await connection.transaction(async () => {
    // It ends the wait for an advisory lock, too.
    await connection.query(`SET LOCAL lock_timeout TO ${LOCK_TIMEOUT_MS}`);
    await connection.query(transactionTimeout(0, "transaction"));
    await connection.query(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
    await createSchema(connection);
    const version = await schemaVersion(connection);
    assertNotNewer(version, migrations.length);
    for (const [index, statements] of migrations.entries()) {
      if (index < version) continue;
      for (const statement of statements) await connection.query(statement);
      await connection.query("INSERT INTO membrane.migration (version) VALUES ($1)", [index + 1]);
    }
  });
}

/** Without a lock, and without the right to change the schema, which a node does not need once it is there. */
async function isCurrent(connection: Connection, newest: number): Promise<boolean> {
  const [row] = await connection.query("SELECT to_regclass('membrane.migration') IS NOT NULL AS is_there");
  if (row?.["is_there"] !== true) return false;
  const version = await schemaVersion(connection);
  assertNotNewer(version, newest);
  return version === newest;
}

async function createSchema(connection: Connection): Promise<void> {
  const [row] = await connection.query("SELECT to_regnamespace('membrane') IS NOT NULL AS is_there");
  // An administrator may have created it for a user who may not.
  if (row?.["is_there"] !== true) await connection.query("CREATE SCHEMA membrane");
  await connection.query(
    "CREATE TABLE IF NOT EXISTS membrane.migration (version int PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())",
  );
}

async function schemaVersion(connection: Connection): Promise<number> {
  const [row] = await connection.query(SCHEMA_VERSION);
  return Number(row?.["version"]);
}

function assertNotNewer(version: number, newest: number): void {
  if (version <= newest) return;
  throw new StoreFormatError(
    `the store has schema ${version}, this program knows schemas up to ${newest}: use the program that changed it, or a newer one`,
  );
}
