import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { UseCounter } from "../../service/src/domain/use-counter.ts";
import { DEFAULT_LIMITS } from "../../service/src/service-limits.ts";
import type { OpenEngine } from "../../service/src/commands/directory-place.ts";
import type { Engine } from "../../service/src/store/engine.ts";
import type { LeaseTimes } from "../../service/src/store/lease/lease-times.ts";
import type { StoreLimits } from "../../service/src/store/operations/create-store.ts";
import { createStore } from "../../service/src/store/operations/create-store.ts";
import type { ConnectionConfig } from "../../service/src/store/postgres/config/connection-config.ts";
import type { Connection } from "../../service/src/store/postgres/connection.ts";
import type { Row } from "../../service/src/store/postgres/sql-values.ts";
import type { StoredCapability } from "../../service/src/store/record.ts";
import type { Store } from "../../service/src/store/store.ts";
import type { Position } from "../../service/src/store/revocation-source.ts";
import { databaseOf, openNodeEngine, TEST_LEASE_TIMES, useConnection } from "./postgres-engine.ts";
import type { TestMembrane, TestStore } from "./store.ts";
import { openTestStore } from "./store.ts";
import { until } from "./until.ts";

/** A store in PostgreSQL with its first node, and what a test does to its database. */
export interface PostgresStore extends AsyncDisposable {
  readonly at: TestStore;
  /** Opens the store on another node. */
  openNode(options?: NodeOptions): Promise<Node>;
  /** How to connect to its database. */
  readonly config: ConnectionConfig;
  /** Runs one statement in the database. */
  query(text: string, parameters?: Parameters<Connection["query"]>[1]): Promise<readonly Row[]>;
  /** Runs `use` while a transaction of another client has done `statement`, and undoes it then. */
  during<T>(statement: string, use: () => Promise<T>): Promise<T>;
  /** Resolves when a client of the database waits for a lock. */
  waitForLock(): Promise<void>;
}

export interface NodeOptions {
  readonly writeTimeoutMs?: number;
  /** Of a relay in front of the server. */
  readonly port?: number;
  readonly onRevocationsLost?: (applied: Position) => void;
  /** Default: those of the store. */
  readonly times?: LeaseTimes;
}

export interface Node extends AsyncDisposable {
  readonly engine: Engine;
  readonly store: Store;
}

/** Longer than a write takes on a busy machine: tests of the time limit have their own. */
const WRITE_TIMEOUT_MS = 10_000;

/** @param times of the leases of all nodes. */
export async function openPostgresStore(
  limits: Partial<StoreLimits> = {},
  times: LeaseTimes = TEST_LEASE_TIMES,
): Promise<PostgresStore> {
  const openFirst: OpenEngine = async ({ directory, ...options }) =>
    openNodeEngine(await databaseOf(directory), { ...options, times, writeTimeoutMs: WRITE_TIMEOUT_MS });
  const at = await openTestStore(limits, "postgres", Date.now, openFirst);
  const nodes: Node[] = [];
  const directory = join(at.directory, "store");
  const config = await databaseOf(directory);
  const query: PostgresStore["query"] = (text, parameters) =>
    useConnection(config, (connection) => connection.query(text, parameters));
  return {
    at,
    query,
    config,
    async openNode({ writeTimeoutMs = WRITE_TIMEOUT_MS, port = config.port, ...options } = {}) {
      const { keys } = at;
      const engine = await openNodeEngine({ ...config, port }, { times, ...options, keys, writeTimeoutMs });
      const store = createStore(engine, { ...DEFAULT_LIMITS, ...limits }, Date.now);
      const node = { engine, store, [Symbol.asyncDispose]: store.close };
      nodes.push(node);
      return node;
    },
    during: (statement, use) =>
      useConnection(config, async (connection) => {
        await connection.begin();
        await connection.query(statement);
        try {
          return await use();
        } finally {
          await connection.rollback();
        }
      }),
    async waitForLock() {
      const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
      await until("a session waits for a lock", async () => (await query(waiting)).length > 0);
    },
    async [Symbol.asyncDispose]() {
      for (const node of nodes) await node.store.close();
      await at[Symbol.asyncDispose]();
    },
  };
}

/** Makes capabilities of the first tenant that count their uses, each with this many. */
export async function makeCounters(at: TestStore, maxUses: readonly number[]): Promise<UseCounter[]> {
  return Promise.all(
    maxUses.map(async (max) => {
      const { uid } = await at.capability({ kind: "create", resource: at.tenant.uid }, { isCounted: true });
      return { uid, maxUses: max, createdAt: 0 };
    }),
  );
}

/** A capability of a membrane that is not stored yet. */
export function capabilityThrough({ at }: PostgresStore, { record }: TestMembrane): StoredCapability {
  return { ...at.create, uid: at.newUid(), lookupId: randomBytes(32), membrane: record.uid };
}
