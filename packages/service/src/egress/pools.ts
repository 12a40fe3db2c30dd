import { createHash } from "node:crypto";
import { ConnectionPool } from "./connection-pool.ts";
import type { Upstream } from "./connection-pool.ts";
import type { ConnectorOptions } from "./connector.ts";
import { createConnector } from "./connector.ts";

/** Where a connection goes and with which TLS material. */
export interface Destination {
  readonly origin: string;
  readonly tls?: NonNullable<ConnectorOptions["tls"]>;
}

export interface PoolOptions extends Omit<ConnectorOptions, "tls"> {
  /** How many connections one destination may have; further requests wait. */
  readonly connections: number;
  /** How many bytes the head of an answer may have. */
  readonly maxHeaderBytes: number;
  /** How long a pool may stand unused before it is closed, in milliseconds. */
  readonly idlePoolMs: number;
}

/** Connection pools, one a destination: a connection is never shared over different TLS material. */
export interface Pools {
  get(key: string, destination: Destination): Upstream;
  /** Closes pools unused since long before `now` (milliseconds). */
  closeIdle(now: number): void;
  close(): Promise<void>;
}

/** Names a destination by a digest, since its parts hold private keys and must not run into each other. */
export function poolKey({ origin, tls }: Destination): string {
  const parts = [origin, tls?.ca, tls?.cert, tls?.key, tls?.rejectUnauthorized];
  return createHash("sha256")
    .update(JSON.stringify(parts.map((part) => part ?? null)))
    .digest("base64");
}

interface Entry {
  readonly pool: ConnectionPool;
  usedAt: number;
}

export function createPools(options: PoolOptions, now: () => number): Pools {
  const entries = new Map<string, Entry>();
  return {
    get(key, destination) {
      let entry = entries.get(key);
      if (entry === undefined) {
        entry = { pool: openPool(options, destination), usedAt: 0 };
        entries.set(key, entry);
      }
      entry.usedAt = now();
      return entry.pool;
    },
    closeIdle(at) {
      for (const [key, { pool, usedAt }] of entries) {
        if (at - usedAt < options.idlePoolMs || !pool.isIdle) continue;
        entries.delete(key);
        void pool.close();
      }
    },
    async close() {
      await Promise.all(Array.from(entries.values(), ({ pool }) => pool.close()));
      entries.clear();
    },
  };
}

function openPool(options: PoolOptions, { origin, tls }: Destination): ConnectionPool {
  const { policy, connectTimeoutMs, lookup, connections, maxHeaderBytes } = options;
  const connect = createConnector({
    policy,
    connectTimeoutMs,
    lookup,
    ...(tls === undefined ? {} : { tls }),
  });
  return new ConnectionPool({ origin, connections, maxHeaderBytes }, connect);
}
