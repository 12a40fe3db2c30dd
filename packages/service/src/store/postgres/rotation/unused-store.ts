import { rowKeysOfStore } from "../../codec/format-row.ts";
import type { StoreFormat } from "../../codec/format-row.ts";
import type { ServiceKeys } from "../../keys.ts";
import { createKeyUsageCount, keyVersionOf, rewriteRow } from "../../rotation/rows.ts";
import type { KeyUsage, RewrittenRows, UnusedStore } from "../../rotation/unused-store.ts";
import { StoreFormatError } from "../../store.ts";
import type { MovedTable, StoredRow } from "../../transfer/stored-rows.ts";
import { MOVED_TABLES } from "../../transfer/stored-rows.ts";
import type { ConnectionConfig } from "../config/connection-config.ts";
import type { Connection } from "../connection.ts";
import { migrate } from "../migrate.ts";
import { MIGRATIONS } from "../migrations.ts";
import { checkServer } from "../server-check.ts";
import { byteaArray, bytesOf } from "../sql-values.ts";
import { encodeFormat, readFormat } from "../store-format.ts";
import { hasTables } from "../store-presence.ts";
import { fetchPages } from "../transfer/fetch-pages.ts";
import { beginUnlimited, useMoveConnection } from "../transfer/move-connection.ts";
import { ROW_QUERIES } from "../transfer/row-queries.ts";
import { beginUnserved } from "../transfer/unserved-store.ts";

/**
 * Lets `use` change which service keys a store needs, while no node can write to it, or join it.
 *
 * @param keys all that there are; that of the rows is enough.
 * @throws StoreFormatError if a node serves it, or if that key is missing.
 */
export function withUnusedStore<T>(
  config: ConnectionConfig,
  keys: ServiceKeys,
  use: (store: UnusedStore) => Promise<T>,
): Promise<T> {
  return useMoveConnection(config, async (connection) => {
    await prepare(connection);
    await beginUnserved(connection, "EXCLUSIVE");
    const format = await readPresent(connection, keys);
    return use(createUnusedStore(connection, keys, format));
  });
}

/** Reads which keys a store needs, and how many tokens need each, while nodes may serve it. */
export function readKeyUsage(
  config: ConnectionConfig,
  keys: ServiceKeys,
): Promise<{ readonly format: StoreFormat; readonly usage: KeyUsage }> {
  return useMoveConnection(config, async (connection) => {
    await prepare(connection);
    await beginUnlimited(connection);
    // A rotation between the two would leave no row that verifies.
    await connection.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
    const format = await readPresent(connection, keys);
    const usage = await countLookups(connection, rowKeysOfStore(keys, format));
    await connection.rollback();
    return { format, usage };
  });
}

async function prepare(connection: Connection): Promise<void> {
  await checkServer(connection);
  if (!(await hasTables(connection))) throw new StoreFormatError("there is no store");
  await migrate(connection, MIGRATIONS);
}

async function readPresent(connection: Connection, keys: ServiceKeys): Promise<StoreFormat> {
  const format = await readFormat(connection, keys);
  if (format === undefined) throw new StoreFormatError("there is no store");
  return format;
}

function createUnusedStore(connection: Connection, keys: ServiceKeys, format: StoreFormat): UnusedStore {
  const current = rowKeysOfStore(keys, format);
  const commit = async (next: StoreFormat, keysOfNext: ServiceKeys): Promise<void> => {
    const body = encodeFormat(next, keysOfNext);
    await connection.query("UPDATE membrane.meta SET body = $1 WHERE key = 'format'", [body]);
    // A node that was stopped all the while must join anew, which it may not with a format row that it does not know.
    await connection.query("DELETE FROM membrane.lease");
    await connection.commit();
  };
  return {
    format,
    countLookups: () => countLookups(connection, current),
    async rewrite(next, newest) {
      const written = await rewriteTables(connection, current, rowKeysOfStore(newest, next));
      await commit(next, newest);
      return written;
    },
    async forget(keyVersion, next) {
      for await (const page of pagesOf(connection, "lookups")) {
        const forgotten = page.filter(({ row }) => keyVersionOf(row, current) === keyVersion);
        await connection.query("DELETE FROM membrane.lookup WHERE lookup_id = ANY ($1::bytea[])", [
          byteaArray(forgotten.map(({ row }) => row.key)),
        ]);
      }
      await commit(next, keys);
    },
  };
}

/** In the open transaction. The format row is written with its commit. */
async function rewriteTables(
  connection: Connection,
  from: ServiceKeys,
  to: ServiceKeys,
): Promise<RewrittenRows> {
  let [rows, damaged] = [0, 0];
  for (const table of MOVED_TABLES) {
    for await (const page of pagesOf(connection, table)) {
      const written = page.flatMap((placed) => {
        const body = rewriteRow(table, placed.row, from, to);
        return body === undefined ? [] : [{ ...placed, body }];
      });
      await updateRows(connection, written);
      rows += page.length;
      damaged += page.length - written.length;
    }
  }
  return { rows, damaged };
}

interface WrittenRow extends PlacedRow {
  readonly body: Buffer;
}

/** Writes rows of one table. By where they are, which nothing changes while the table is locked: no key is the same type in all tables. */
async function updateRows(connection: Connection, rows: readonly WrittenRow[]): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const places = `{${rows.map(({ place }) => `"${place}"`).join(",")}}`;
  await connection.query(
    `UPDATE membrane.${first.name} t SET body = q.body FROM unnest($1::tid[], $2::bytea[]) AS q (place, body)
     WHERE t.ctid = q.place`,
    [places, byteaArray(rows.map(({ body }) => body))],
  );
}

async function countLookups(connection: Connection, keys: ServiceKeys): Promise<KeyUsage> {
  const count = createKeyUsageCount(keys);
  for await (const page of pagesOf(connection, "lookups")) for (const { row } of page) count.add(row);
  return count.usage;
}

/** A row, the table of the schema that has it, and where it is there. */
interface PlacedRow {
  readonly name: string;
  readonly place: string;
  readonly row: StoredRow;
}

async function* pagesOf(
  connection: Connection,
  table: MovedTable,
): AsyncGenerator<readonly PlacedRow[], void> {
  for (const { table: name, columns, key } of ROW_QUERIES[table]) {
    const select = `SELECT ctid::text AS place, ${columns}, body FROM membrane.${name}`;
    for await (const page of fetchPages(connection, select))
      yield page.map((row) => ({
        name,
        place: String(row["place"]),
        row: { key: key(row), body: bytesOf(row, "body") },
      }));
  }
}
