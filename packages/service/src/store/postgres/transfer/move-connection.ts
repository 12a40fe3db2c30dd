import type { ConnectionConfig } from "../config/connection-config.ts";
import type { Connection } from "../connection.ts";
import { openConnection } from "../connection.ts";
import { useOnce } from "../deadline.ts";
import { transactionTimeout } from "../session-settings.ts";
import { StoreFormatError } from "../../store.ts";

/** The other side of a move may take so long for one page. */
const TRANSACTION_TIMEOUT_MS = 600_000;

/**
 * What a node sets is meant for statements that find few rows, and for connections that are replaced when they are lost: here whole
 * tables are read, to their ends, in one transaction, which has nothing to do for hours and survives a cut of the network of a minute.
 */
const SESSION = [
  "SET enable_seqscan TO on",
  "SET tcp_keepalives_idle TO 60",
  "SET tcp_keepalives_interval TO 10",
  "SET tcp_keepalives_count TO 6",
  "SET tcp_user_timeout TO 0",
  "SET cursor_tuple_fraction TO 1",
  transactionTimeout(0, "session"),
].join("; ");

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

/**
 * Begins a transaction that may wait for the other side as long as that takes: while a copy is verified, the source has nothing to
 * do, and must not be ended.
 */
export async function beginUnlimited(connection: Connection): Promise<void> {
  await connection.begin();
  await connection.query("SET LOCAL idle_in_transaction_session_timeout TO 0");
}

async function assertNotPooled(config: ConnectionConfig): Promise<void> {
  const isPooled = await useOnce(
    () => openConnection(config, ANSWER_TIMEOUT_MS, { isPooled: true }),
    ANSWER_TIMEOUT_MS,
    (connection) => connection.isPooled(),
  );
  if (isPooled) throw new StoreFormatError("the database is behind a pooler: name the server");
}
