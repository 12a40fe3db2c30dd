import type { Connection, ConnectionEvents, Statement } from "../connection.ts";
import type { Row } from "../sql-values.ts";

/** Opens a connection to the store. */
export type OpenConnection = (events: ConnectionEvents) => Connection;

/** Carries one statement at a time, on a connection that is opened when there is none. */
export interface StatementConnection {
  /** Brings one `onReply` or `onFailure`. */
  send(statement: Statement): void;
  /** Ends the connection at once, and what the server still does for it. It brings nothing more. */
  disconnect(): void;
  close(): Promise<void>;
}

export interface StatementEvents {
  onReply(rows: readonly Row[]): void;
  /** Also if the connection was lost while no statement was in flight. */
  onFailure(error: unknown): void;
}

export function createStatementConnection(
  open: OpenConnection,
  events: StatementEvents,
): StatementConnection {
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
    send({ text, parameters }) {
      const used = connection ?? connect();
      used.execute(text, parameters).then(
        (rows) => {
          if (connection === used) events.onReply(rows);
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
