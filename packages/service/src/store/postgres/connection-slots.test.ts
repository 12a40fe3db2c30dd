import { expect, test } from "vitest";
import { useConnection } from "../../../../testkit/src/postgres-engine.ts";
import { connectionTo } from "../../../../testkit/src/postgres-server.ts";
import { until } from "../../../../testkit/src/until.ts";
import { StoreBusyError } from "../store.ts";
import type { Connection } from "./connection.ts";
import { openConnection } from "./connection.ts";
import { createConnectionSlots } from "./connection-slots.ts";
import { withDeadline } from "./deadline.ts";

const KEY = 7_245_001;

test("of reads that share a connection only the late one fails, later ones get another connection, and the shared one ends", async () => {
  const config = await connectionTo("postgres");
  const slots = createConnectionSlots(() => openConnection(config, 10_000), 1);
  const read = (timeoutMs: number, use: (connection: Connection) => Promise<unknown>) =>
    slots.leastBusy().run((connection, retire) => withDeadline(connection, use, timeoutMs, retire));
  const readPid = () =>
    read(30_000, async (connection) => {
      const [row] = await connection.query("SELECT pg_backend_pid() AS pid");
      return Number(row?.["pid"]);
    });
  const shared = await readPid();
  await useConnection(config, async (other) => {
    const waiting = await other.transaction(async () => {
      await other.query("SELECT pg_advisory_xact_lock($1)", [KEY]);
      const late = read(100, (connection) => connection.query("SELECT pg_advisory_xact_lock($1)", [KEY]));
      const behind = readPid();
      await expect(late).rejects.toThrow(StoreBusyError);
      expect(await readPid()).not.toBe(shared);
      return { behind };
    });
    expect(await waiting.behind).toBe(shared);
    const text = "SELECT FROM pg_stat_activity WHERE pid = $1";
    await until(
      "the shared connection ends",
      async () => (await other.query(text, [Number(shared)])).length === 0,
    );
  });
  await slots.close();
});
