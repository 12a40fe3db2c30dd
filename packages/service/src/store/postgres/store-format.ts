import { createHash, randomBytes } from "node:crypto";
import { encodeRow } from "../codec/authenticated-row.ts";
import type { StoreFormat } from "../codec/format-row.ts";
import {
  FORMAT_KEY,
  formatColumns,
  keysOfStore,
  parseFormatRow,
  rowKeysOfStore,
  servedStoreId,
} from "../codec/format-row.ts";
import type { ServiceKeys } from "../keys.ts";
import { StoreCorruptError } from "../store.ts";
import type { Connection } from "./connection.ts";
import { bytesOf } from "./sql-values.ts";

const STORE_ID_BYTES = 16;

/** What a process knows of a store that it opened. */
export interface ServedStore {
  readonly id: string;
  /** Those that the store needs. */
  readonly keys: ServiceKeys;
  /** SHA-256 of the format row, in hex: a node is given no lease once the row has changed. */
  readonly formatDigest: string;
}

/**
 * Reads the format row, or writes it into an empty store; the first of several nodes that start at once wins.
 *
 * @param keys all that there are.
 * @throws StoreFormatError if the store was written by a newer program, needs another service key, or was moved away.
 */
export async function openFormat(connection: Connection, keys: ServiceKeys): Promise<ServedStore> {
  const serve = (format: StoreFormat, body: Buffer): ServedStore => ({
    id: servedStoreId(format),
    keys: keysOfStore(keys, format),
    formatDigest: createHash("sha256").update(body).digest("hex"),
  });
  const present = await readRow(connection);
  if (present !== undefined) return serve(parseFormatRow(present, keys), present);
  const storeId = randomBytes(STORE_ID_BYTES).toString("hex");
  const body = encodeFormat({ storeId, keys: [keys] }, keys);
  await connection.transaction(async () => {
    const [row] = await connection.query("SELECT EXISTS (SELECT FROM membrane.record) AS has_records");
    if (row?.["has_records"] === true)
      throw new StoreCorruptError("the store holds records but does not say its format: restore it");
    await connection.query(
      "INSERT INTO membrane.meta (key, body) VALUES ('format', $1) ON CONFLICT (key) DO NOTHING",
      [body],
    );
  });
  const winner = await readRow(connection);
  if (winner === undefined) throw new StoreCorruptError("the store does not say its format");
  return serve(parseFormatRow(winner, keys), winner);
}

/** The body of the format row. @param keys all that there are. */
export function encodeFormat(format: StoreFormat, keys: ServiceKeys): Buffer {
  return encodeRow("meta", FORMAT_KEY, formatColumns(format), rowKeysOfStore(keys, format));
}

/** @throws StoreFormatError if the store was written by a newer program, or if the key that its rows are under is missing or retired. */
export async function readFormat(
  connection: Connection,
  keys: ServiceKeys,
): Promise<StoreFormat | undefined> {
  const row = await readRow(connection);
  return row === undefined ? undefined : parseFormatRow(row, keys);
}

async function readRow(connection: Connection): Promise<Buffer | undefined> {
  const [row] = await connection.query("SELECT body FROM membrane.meta WHERE key = 'format'");
  return row === undefined ? undefined : bytesOf(row, "body");
}
