import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { until } from "../../../../testkit/src/until.ts";
import type { Connection } from "../../../src/store/postgres/connection.ts";
import type { ClusterNode } from "./cluster-node.ts";
import type { FaultContext } from "./fault.ts";
import { fault, MAX_PART_MS, milliseconds, nodeOf } from "./fault.ts";

/** Longer than any lease that a node can have when the server stops. */
const OVER_A_LEASE_MS = 1_100;

const serverStopped = fault(
  "the server is stopped at once and starts again",
  milliseconds(50, 3_000),
  async ({ cluster: { server }, recorder }, downMs) => {
    await server.stop();
    await recorder.outage("all", () => sleep(downMs));
    await server.start();
  },
);

const KILLED = {
  "a commit": "state = 'active' AND query = 'COMMIT'",
  "a statement of leases": "query ~ 'lease'",
  anything: "true",
} as const;

const connectionsKilled = fault(
  "the server ends connections in a commit, in a renewal, or all",
  fc.record({
    which: fc.constantFrom(...(Object.keys(KILLED) as (keyof typeof KILLED)[])),
    everyMs: fc.constantFrom(1, 20, 200),
    forMs: milliseconds(300, 1_500),
  }),
  ({ cluster, measured }, { which, everyMs, forMs }) =>
    cluster.use(async (connection) => {
      // Without it, a commit is over before it is seen.
      await configure(connection, ["SET commit_delay TO 20000", "SET commit_siblings TO 0"]);
      let ended = 0;
      for (const end = performance.now() + forMs; performance.now() < end;) {
        const killed = await connection.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = current_database() AND pid <> pg_backend_pid() AND ${KILLED[which]}`,
        );
        ended += killed.length;
        await sleep(everyMs);
      }
      await configure(connection, ["RESET commit_delay", "RESET commit_siblings"]);
      measured(`connections ended in ${which}`, ended);
    }),
);

async function configure(connection: Connection, changes: readonly string[]): Promise<void> {
  for (const change of changes) await connection.query(`ALTER SYSTEM ${change}`);
  await connection.query("SELECT pg_reload_conf()");
}

const storeRolledBack = fault(
  "the store loses the last revokes",
  fc.record({ usedMs: milliseconds(300, 1_200), isOvertaken: fc.boolean() }),
  async (context, { usedMs, isOvertaken }) => {
    const { cluster, recorder, recovered, prepare, revoke } = context;
    const before = cluster.nodes.map(countAlarms);
    await cluster.server.stop();
    await cluster.server.keepFiles();
    await recorder.loss(async () => {
      await cluster.server.start();
      await recovered();
      const life = await prepare();
      await revoke(life, nodeOf(context, usedMs));
      await allApplied(context);
      await sleep(usedMs);
      await cluster.server.stop();
      await recorder.outage("all", () => sleep(OVER_A_LEASE_MS));
      await cluster.server.restoreFiles();
      if (isOvertaken) for (const { relay } of cluster.nodes) relay.silence();
    });
    await cluster.server.start();
    // Then the log has the positions that were applied, with other entries.
    if (isOvertaken) await appendEntries(context, 1_000);
    for (const { relay } of cluster.nodes) relay.speak();
    for (const [index, node] of cluster.nodes.entries()) {
      await until(
        "a node says that revokes may be lost",
        () => countAlarms(node) !== before[index],
        MAX_PART_MS,
      );
    }
  },
);

/** Counts how often a node has said that acknowledged revokes may be lost. */
function countAlarms(node: ClusterNode): number {
  return node.logged().filter(({ msg }) => msg === "revocations may be lost").length;
}

/** Every node has applied what the copy of the store does not have. */
async function allApplied({ cluster }: FaultContext): Promise<void> {
  const statement = `SELECT count(*)::int AS applied FROM membrane.lease, membrane.head WHERE applied >= position`;
  await cluster.use((connection) =>
    until(
      "every node has applied the revoke",
      async () => {
        const [row] = await connection.query(statement);
        return Number(row?.["applied"]) >= cluster.nodes.length;
      },
      MAX_PART_MS,
    ),
  );
}

const manyEntries = fault(
  "a node has more to read than a reply has",
  fc.integer({ min: 1_001, max: 6_000 }),
  appendEntries,
);

/** Appends revokes of what does not exist. */
async function appendEntries({ cluster }: FaultContext, count: number): Promise<void> {
  await cluster.use((connection) =>
    connection.query(
      `WITH h AS (UPDATE membrane.head SET position = position + $1, tag = gen_random_uuid() RETURNING position, tag)
       INSERT INTO membrane.log (position, tag, uid)
       SELECT h.position - n, CASE n WHEN 0 THEN h.tag ELSE gen_random_uuid() END, gen_random_uuid()
       FROM h, generate_series(0, $1 - 1) n`,
      [count],
    ),
  );
}

const snapshotHeld = fault(
  "a snapshot is held open for long",
  milliseconds(1_000, 4_000),
  ({ cluster, measured }, forMs) =>
    cluster.use(async (connection) => {
      const [before] = await connection.query(RENEWALS);
      await connection.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
      await connection.query("SELECT count(*) FROM membrane.lease");
      await sleep(forMs);
      await connection.query("COMMIT");
      const [after] = await connection.query(RENEWALS);
      const renewals = Number(after?.["updates"]) - Number(before?.["updates"]);
      const size = Number(after?.["size"]);
      measured("bytes of lease", size);
      // No version can be removed meanwhile. After it, their place is used again.
      const bound = MAX_LEASE_BYTES + renewals * BYTES_OF_A_ROW;
      if (size > bound) throw new Error(`lease has ${size} bytes after ${renewals} renewals, over ${bound}`);
    }),
);

const RENEWALS = `SELECT pg_relation_size('membrane.lease')::int AS size, n_tup_upd::int AS updates
  FROM pg_stat_user_tables WHERE relid = 'membrane.lease'::regclass`;

const MAX_LEASE_BYTES = 1_048_576;
/** With its header and its place in a page. */
const BYTES_OF_A_ROW = 80;

export const SERVER_FAULTS = [serverStopped, connectionsKilled, storeRolledBack, manyEntries, snapshotHeld];
