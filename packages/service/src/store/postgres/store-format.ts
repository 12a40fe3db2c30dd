import { randomBytes } from "node:crypto";
import { decodeRow, encodeRow, MAC_BYTES } from "../codec/authenticated-row.ts";
import { decodeColumns } from "../codec/columns.ts";
import type { ServiceKeys } from "../keys.ts";
import { StoreCorruptError, StoreFormatError } from "../store.ts";
import type { Connection } from "./connection.ts";
import { bytesOf } from "./sql-values.ts";

/** The version of the rows, which is that of the other engine; the schema has a separate one. */
const LAYOUT_VERSION = 2;

const STORE_ID_BYTES = 16;
const FORMAT_KEY = Buffer.from("format");

/**
 * Reads the format row, or writes it into an empty store; the first of several nodes that start at once wins.
 *
 * @returns the id of the store.
 * @throws StoreFormatError if the store was made with another service key, or by a newer program.
 */
export async function openFormat(connection: Connection, keys: ServiceKeys): Promise<string> {
  const present = await readFormat(connection, keys);
  if (present !== undefined) return present;
  const columns = [Buffer.from([LAYOUT_VERSION]), keys.checkValue, randomBytes(STORE_ID_BYTES)];
  const body = encodeRow("meta", FORMAT_KEY, columns, keys);
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
  return winner;
}

async function readFormat(connection: Connection, keys: ServiceKeys): Promise<string | undefined> {
  const [row] = await connection.query("SELECT body FROM membrane.meta WHERE key = 'format'");
  if (row === undefined) return undefined;
  const body = bytesOf(row, "body");
  // Before the MAC, which fails with a wrong key too: the message to the operator distinguishes the two.
  const [version, checkValue] = columnsOf(body);
  const layout = version?.[0] ?? 0;
  if (layout < 1 || layout > LAYOUT_VERSION) {
    throw new StoreFormatError(
      `the store has format ${layout}, this program reads formats up to ${LAYOUT_VERSION}: use the program that wrote it, or a newer one`,
    );
  }
  if (checkValue?.equals(keys.checkValue) !== true) {
    throw new StoreFormatError(
      "the service key is not the one this store was made with: every node needs the same one, named with --service-key-file",
    );
  }
  const storeId = decodeRow("meta", FORMAT_KEY, body, keys)[2];
  if (storeId === undefined) throw new StoreCorruptError("the store does not say its id");
  return storeId.toString("hex");
}

function columnsOf(row: Buffer): Buffer[] {
  try {
    return decodeColumns(row.subarray(0, -MAC_BYTES));
  } catch (cause) {
    throw new StoreCorruptError("the store's format row is not what was written: restore the store", {
      cause,
    });
  }
}
