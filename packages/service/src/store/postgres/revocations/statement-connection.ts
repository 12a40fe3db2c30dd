import type { Connection, ConnectionEvents, Statement } from "../connection.ts";
import type { Row } from "../sql-values.ts";

/** Opens a connection to the store. */
export type OpenConnection = (events: ConnectionEvents) => Connection;

/** Carries one statement at a time, on a connection that is opened when there is none. */
export interface StatementConnection<R> {
  /** Brings one `onReply` with what `parse` makes of the rows, or one `onFailure`, also with what `parse` throws. */
  send(statement: Statement, parse: (rows: readonly Row[]) => R): void;
  /** Ends the connection at once, and what the server still does for it. It brings nothing more. */
  disconnect(): void;
  close(): Promise<void>;
}

export interface StatementEvents<R> {
  onReply(reply: R): void;
  /** Also if the connection was lost while no statement was in flight. */
  onFailure(error: unknown): void;
}

export function createStatementConnection<R>(
  open: OpenConnection,
  events: StatementEvents<R>,
): StatementConnection<R> {
  let connection: Connection | undefined;

  const connect = (): Connection => {
    const opened: Connection = open({
      onLost() {
        if (connection !== opened) return;
        connection = undefined;
        events.onFailure(connectionLost());
      },
    });
    connection = opened;
    return opened;
  };
  return {
    send({ text, parameters }, parse) {
      const used = connection ?? connect();
      const replied = used.execute(text, parameters).then(parse);
      replied.then(
        (reply) => {
          if (connection === used) events.onReply(reply);
        },
        (error: unknown) => {
          if (connection === used) events.onFailure(error);
        },
      );
    },
    disconnect() {
      const ended = connection;
      connection = undefined;
      ended?.abandon();
    },
    async close() {
      const ended = connection;
      connection = undefined;
      await ended?.close();
    },
  };
}

/** With the code that the driver gives to statements in flight. */
function connectionLost(): Error {
  return Object.assign(new Error("the connection was lost"), { code: "CONNECTION_CLOSED" });
}
