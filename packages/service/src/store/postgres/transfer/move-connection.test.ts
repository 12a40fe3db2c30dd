import { expect, test } from "vitest";
import { connectionTo } from "../../../../../testkit/src/postgres-server.ts";
import { beginUnlimited, useMoveConnection } from "./move-connection.ts";

test("the source of a move may have nothing to do for as long as its copy is verified, a machine that disappears is noticed, and plans are for whole tables", async () => {
  await useMoveConnection(await connectionTo("postgres"), async (connection) => {
    await beginUnlimited(connection);
    const names = [
      "idle_in_transaction_session_timeout",
      "idle_session_timeout",
      "statement_timeout",
      "tcp_keepalives_idle",
      "tcp_user_timeout",
      "enable_seqscan",
      "cursor_tuple_fraction",
    ];
    // From PostgreSQL 17.
    const has = await connection.query("SELECT FROM pg_settings WHERE name = 'transaction_timeout'");
    if (has.length > 0) names.push("transaction_timeout");
    const settings = names.map((name) => `current_setting('${name}') AS ${name}`).join();
    expect(await connection.query(`SELECT ${settings}`)).toEqual([
      {
        idle_in_transaction_session_timeout: "0",
        idle_session_timeout: "0",
        statement_timeout: "0",
        tcp_keepalives_idle: "60",
        tcp_user_timeout: "0",
        // Whole tables are read.
        enable_seqscan: "on",
        cursor_tuple_fraction: "1",
        ...(has.length > 0 && { transaction_timeout: "0" }),
      },
    ]);
  });
});
