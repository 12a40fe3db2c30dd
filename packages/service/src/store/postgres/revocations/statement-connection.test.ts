import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Deferred } from "../../../../../testkit/src/deferred.ts";
import { deferred } from "../../../../../testkit/src/deferred.ts";
import type { Connection, ConnectionEvents } from "../connection.ts";
import type { Row } from "../sql-values.ts";
import { createStatementConnection } from "./statement-connection.ts";

interface OpenedConnection {
  readonly events: ConnectionEvents;
  readonly result: Deferred<readonly Row[]>;
  end: "abandoned" | "closed" | undefined;
}

/** A connection whose replies are numbers, with each one that it has opened, and what it has brought. */
function createTestConnection() {
  const opened: OpenedConnection[] = [];
  const brought: unknown[] = [];
  const open = (events: ConnectionEvents): Connection => {
    const one: OpenedConnection = { events, result: deferred(), end: undefined };
    opened.push(one);
    const used: Partial<Connection> = {
      execute: () => one.result.promise,
      abandon: () => void (one.end = "abandoned"),
      close: async () => void (one.end = "closed"),
    };
    return used as Connection;
  };
  const connection = createStatementConnection(open, {
    onReply: (reply: number) => brought.push(reply),
    onFailure: (error) => brought.push(String(error)),
  });
  const send = (): void =>
    connection.send({ text: "", parameters: [] }, ([row]) => {
      if (row === undefined) throw new TypeError("no row");
      return Number(row["n"]);
    });
  return { connection, send, opened, brought };
}

test("a reply brings what was read from it, and one that cannot be read is a failure", async () => {
  for (const [rows, expected] of [
    [[{ n: 7 }], 7],
    [[], "TypeError: no row"],
  ] as const) {
    const { send, opened, brought } = createTestConnection();
    send();
    opened[0]!.result.resolve(rows);
    await turn();
    expect(brought).toEqual([expected]);
  }
});

test("what arrives on a connection that was given up or lost brings nothing more, and the next statement has another one", async () => {
  const { connection, send, opened, brought } = createTestConnection();
  send();
  connection.disconnect();
  expect(opened[0]!.end).toBe("abandoned");
  send();
  opened[0]!.result.resolve([{ n: 1 }]);
  opened[0]!.events.onLost?.();
  await turn();
  expect(brought).toEqual([]);
  opened[1]!.events.onLost?.();
  opened[1]!.result.reject(new Error("in flight"));
  await turn();
  expect(brought).toEqual(["Error: the connection was lost"]);
  send();
  opened[2]!.result.resolve([{ n: 3 }]);
  await turn();
  expect(brought.slice(1)).toEqual([3]);
  await connection.close();
  expect(opened.map(({ end }) => end)).toEqual(["abandoned", undefined, "closed"]);
});
