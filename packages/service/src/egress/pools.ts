import { createHash } from "node:crypto";
import type { Dispatcher } from "undici";
import { Pool } from "undici";
import type { ConnectorOptions } from "./connector.ts";
import { createConnector } from "./connector.ts";
import { ConnectFailedError } from "./errors.ts";

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

/** The connections to one destination. */
export interface Upstream {
  readonly dispatcher: Dispatcher;
  /** Somebody waits for a connection, until the function that is returned is called. */
  wait(): () => void;
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
  readonly pool: Pool;
  readonly upstream: Upstream;
  usedAt: number;
}

export function createPools(options: PoolOptions, now: () => number): Pools {
  const entries = new Map<string, Entry>();
  return {
    get(key, destination) {
      let entry = entries.get(key);
      if (entry === undefined) {
        entry = { ...openUpstream(options, destination), usedAt: 0 };
        entries.set(key, entry);
      }
      entry.usedAt = now();
      return entry.upstream;
    },
    closeIdle(at) {
      for (const [key, { pool, usedAt }] of entries) {
        if (at - usedAt < options.idlePoolMs || pool.stats.running + pool.stats.pending > 0) continue;
        entries.delete(key);
        void pool.close();
      }
    },
    async close() {
      await Promise.all(Array.from(entries.values(), ({ pool }) => pool.destroy()));
      entries.clear();
    },
  };
}

function openUpstream(options: PoolOptions, destination: Destination): Omit<Entry, "usedAt"> {
  let waiting = 0;
  const pool = openPool(options, destination, () => waiting > 0);
  const wait = (): (() => void) => {
    let isWaiting = true;
    waiting += 1;
    return () => {
      if (isWaiting) waiting -= 1;
      isWaiting = false;
    };
  };
  return { pool, upstream: { dispatcher: pool, wait } };
}

/** @param isAwaited whether anybody waits for a connection. */
function openPool(options: PoolOptions, { origin, tls }: Destination, isAwaited: () => boolean): Pool {
  const { policy, connectTimeoutMs, lookup } = options;
  const connect = createConnector({
    policy,
    connectTimeoutMs,
    lookup,
    ...(tls === undefined ? {} : { tls }),
  });
  return new Pool(origin, {
    connections: options.connections,
    pipelining: 1,
    maxHeaderSize: options.maxHeaderBytes,
    allowH2: false,
    // Undici dials again after a request was aborted, for that very request: whoever leaves would cost a handshake.
    connect: (target, callback) => {
      if (isAwaited()) connect(target, callback);
      else callback(new ConnectFailedError(), null);
    },
  });
}
