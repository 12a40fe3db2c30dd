import type { ConnectionConfig } from "../config/connection-config.ts";
import type { Connection } from "../connection.ts";
import { openConnection } from "../connection.ts";
import { useOnce } from "../deadline.ts";
import { StoreFormatError } from "../../store.ts";

/** The other side of a move may take so long for one page. */
const TRANSACTION_TIMEOUT_MS = 600_000;

/** What a node sets is meant for statements that find few rows: here whole tables are read, to their ends. */
const SESSION = "SET enable_seqscan TO on; SET cursor_tuple_fraction TO 1";

/** Time until the server says whether it is behind a pooler. */
const ANSWER_TIMEOUT_MS = 10_000;

/**
 * Uses a connection for a move, which may take hours, and closes it; an open transaction is undone then.
 *
 * @throws StoreFormatError behind a pooler, whose sessions would carry these settings to other programs.
 */
export async function useMoveConnection<T>(
  config: ConnectionConfig,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  await assertNotPooled(config);
  const connection = openConnection(config, TRANSACTION_TIMEOUT_MS);
  try {
    await connection.query(SESSION);
    return await use(connection);
  } finally {
    await connection.close();
  }
}

async function assertNotPooled(config: ConnectionConfig): Promise<void> {
  const isPooled = await useOnce(
    () => openConnection(config, ANSWER_TIMEOUT_MS, { isPooled: true }),
    ANSWER_TIMEOUT_MS,
    (connection) => connection.isPooled(),
  );
  if (isPooled) throw new StoreFormatError("the database is behind a pooler: name the server");
}
