import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { RawConnection } from "../../../../testkit/src/raw-connection.ts";
import { openRawConnection, requestHead } from "../../../../testkit/src/raw-connection.ts";
import type { Activity, SoakContext } from "./soak-context.ts";
import { expectFrom } from "./soak-context.ts";

/** A token of the right form that was never handed out. */
const UNKNOWN = `CPBLTY1-${"A".repeat(86)}`;

type Attack = (context: SoakContext, token: string) => Promise<void>;

/** Opens a connection, does something, and leaves without a word. */
async function onConnection(
  { port, ca }: SoakContext,
  act: (connection: RawConnection) => Promise<unknown>,
): Promise<void> {
  await using connection = await openRawConnection(port, ca);
  connection.socket.on("error", () => undefined);
  await act(connection);
  connection.socket.destroy();
}

const ATTACKS: Readonly<Record<string, Attack>> = {
  "a head without end": (context) =>
    onConnection(context, async (connection) => {
      connection.send("GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
      await sleep(300);
    }),
  garbage: (context) =>
    onConnection(context, async (connection) => {
      connection.send("\u0016\u0003\u0001 no request\r\n\r\n");
      await connection.closed;
    }),
  "an unknown token": async (context) => {
    await expectFrom(context, UNKNOWN, 401);
  },
  "a reader that stops": (context, token) =>
    onConnection(context, async (connection) => {
      connection.send(requestHead(token));
      await connection.until((text) => text.includes("200 OK"));
      connection.socket.pause();
      await sleep(500);
    }),
  "a request that is left at once": (context, token) =>
    onConnection(context, async (connection) => {
      connection.send(requestHead(token));
      await sleep(1);
    }),
  "no TLS": ({ port }) =>
    new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => void socket.write("GET / HTTP/1.1\r\n\r\n"));
      socket.on("error", () => undefined);
      socket.on("close", () => resolve());
      socket.resume();
    }),
  "a connection that says nothing": async ({ port }) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    await sleep(100);
    socket.destroy();
  },
};

const NAMES = Object.keys(ATTACKS);

/** @param token of a capability with a large response. */
export function hostileActivity(token: string): Activity {
  return async (context, _name, turn) => {
    const name = NAMES[turn % NAMES.length]!;
    await ATTACKS[name]!(context, token);
    context.count(name);
  };
}
