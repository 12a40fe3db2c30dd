import { StoreBusyError } from "../store.ts";
import type { Connection } from "./connection.ts";
import { toStoreError } from "./postgres-errors.ts";

/**
 * Opens a connection, uses it once and closes it.
 *
 * @throws StoreBusyError if the server cannot be reached, or takes longer.
 */
export async function useOnce<T>(
  open: () => Connection,
  timeoutMs: number,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = open();
  try {
    return await withDeadline(connection, use, timeoutMs);
  } catch (error) {
    throw toStoreError(error);
  } finally {
    await connection.close();
  }
}

/**
 * The driver has no time limit of a statement. A connection that does not respond is not used again.
 *
 * @param onLate what becomes of it, if others use it too. Default: it ends at once.
 */
export async function withDeadline<T>(
  connection: Connection,
  use: (connection: Connection) => Promise<T>,
  timeoutMs: number,
  onLate: () => void = () => connection.destroy(),
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new StoreBusyError("the store did not respond in time"));
      onLate();
    }, timeoutMs);
  });
  try {
    return await Promise.race([use(connection), late]);
  } finally {
    clearTimeout(timer);
  }
}
