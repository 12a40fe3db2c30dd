import { randomBytes } from "node:crypto";
import { encodeRow } from "../codec/authenticated-row.ts";
import type { StoreFormat } from "../codec/format-row.ts";
import { FORMAT_KEY, formatColumns, parseFormatRow, servedStoreId } from "../codec/format-row.ts";
import type { ServiceKeys } from "../keys.ts";
import { StoreCorruptError } from "../store.ts";
import type { Connection } from "./connection.ts";
import { bytesOf } from "./sql-values.ts";

const STORE_ID_BYTES = 16;

/**
 * Reads the format row, or writes it into an empty store; the first of several nodes that start at once wins.
 *
 * @returns the id of the store.
 * @throws StoreFormatError if the store was made with another service key, or by a newer program, or was moved away.
 */
export async function openFormat(connection: Connection, keys: ServiceKeys): Promise<string> {
  const present = await readFormat(connection, keys);
  if (present !== undefined) return servedStoreId(present);
  const body = encodeFormat({ storeId: randomBytes(STORE_ID_BYTES).toString("hex") }, keys);
  await connection.transaction(async () => {
    const [row] = await connection.query("SELECT EXISTS (SELECT FROM membrane.record) AS has_records");
    if (row?.["has_records"] === true)
      throw new StoreCorruptError("the store holds records but does not say its format: restore it");
    await connection.query(
      "INSERT INTO membrane.meta (key, body) VALUES ('format', $1) ON CONFLICT (key) DO NOTHING",
      [body],
    );
  });
  const winner = await readFormat(connection, keys);
  if (winner === undefined) throw new StoreCorruptError("the store does not say its format");
  return servedStoreId(winner);
}

/** The body of the format row. */
export function encodeFormat(format: StoreFormat, keys: ServiceKeys): Buffer {
  return encodeRow("meta", FORMAT_KEY, formatColumns(format, keys), keys);
}

/** @throws StoreFormatError if the store was made with another service key, or by a newer program. */
export async function readFormat(
  connection: Connection,
  keys: ServiceKeys,
): Promise<StoreFormat | undefined> {
  const [row] = await connection.query("SELECT body FROM membrane.meta WHERE key = 'format'");
  return row === undefined ? undefined : parseFormatRow(bytesOf(row, "body"), keys);
}
