import type { Connection } from "../connection.ts";
import { createBackOff } from "./back-off.ts";
import type { OpenConnection } from "./statement-connection.ts";

/** The channel that each entry of the log notifies. */
const LISTEN = "LISTEN membrane";

/**
 * How often it is listened again, in milliseconds: a connection on which nothing comes back is noticed so, and one that was lost is
 * replaced. Meanwhile the interval of renewals brings what is new.
 */
const LISTEN_INTERVAL_MS = 5_000;

/**
 * How far apart notifications are passed on, in milliseconds. Any user who may connect to the database can notify, and each one brings a
 * read of the log.
 */
const SPACING_MS = 5;

/** Listens to what is appended to the log. */
export interface Notifications {
  close(): Promise<void>;
}

/** @param onNotification called when something was appended, if the server can say so: a pooler may keep it from doing so. */
export function listenToLog(
  open: OpenConnection,
  onNotification: () => void,
  monotonic: () => number,
): Notifications {
  let connection: Connection | undefined;
  let isAnswered = true;
  let notifiedAt = -Infinity;
  let later: NodeJS.Timeout | undefined;

  const passOn = (): void => {
    later = undefined;
    notifiedAt = monotonic();
    onNotification();
  };
  const onNotified = (): void => {
    if (later !== undefined) return;
    const wait = notifiedAt + SPACING_MS - monotonic();
    if (wait <= 0) passOn();
    else later = setTimeout(passOn, wait);
  };

  const backOff = createBackOff(LISTEN_INTERVAL_MS / 2, monotonic);
  const listen = (): void => {
    if (!isAnswered) connection?.destroy();
    if (connection === undefined || connection.isClosed) {
      if (monotonic() < backOff.notBefore) return;
      connection = open({ onNotification: onNotified });
    }
    isAnswered = false;
    connection.query(LISTEN).then(() => {
      isAnswered = true;
      backOff.replied();
    }, backOff.failed);
  };
  const timer = setInterval(listen, LISTEN_INTERVAL_MS);
  listen();
  return {
    async close() {
      clearInterval(timer);
      clearTimeout(later);
      await connection?.close();
    },
  };
}
