import type { Connection } from "../connection.ts";
import type { OpenConnection } from "./statement-connection.ts";

/** The channel that each entry of the log notifies. */
const LISTEN = "LISTEN membrane";

/**
 * How often it is listened again, in milliseconds: a connection on which nothing comes back is noticed so, and one that was lost is
 * replaced. Meanwhile the interval of renewals brings what is new.
 */
const LISTEN_INTERVAL_MS = 5_000;

/** Listens to what is appended to the log. */
export interface Notifications {
  close(): Promise<void>;
}

/** @param onNotification called when something was appended, if the server can say so: a pooler may keep it from doing so. */
export function listenToLog(open: OpenConnection, onNotification: () => void): Notifications {
  let connection: Connection | undefined;
  let isAnswered = true;

  const listen = (): void => {
    if (!isAnswered) connection?.destroy();
    if (connection === undefined || connection.isClosed) connection = open({ onNotification });
    isAnswered = false;
    connection.query(LISTEN).then(
      () => (isAnswered = true),
      () => undefined,
    );
  };
  const timer = setInterval(listen, LISTEN_INTERVAL_MS);
  listen();
  return {
    async close() {
      clearInterval(timer);
      await connection?.close();
    },
  };
}
