import { hash } from "node:crypto";
import { err, ok } from "capability-protocol";
import type { Ok, Result, TargetOrigin } from "capability-protocol";
import type { UpstreamPool } from "../http1/upstream.ts";
import { ConnectionPool } from "./connection-pool.ts";
import type { Connector, ConnectorOptions } from "./connector.ts";
import { createConnector } from "./connector.ts";
import type { ContextScheduler } from "./context-scheduler.ts";
import { createContextScheduler } from "./context-scheduler.ts";
import { TooManyConnectionsError } from "./errors.ts";
import type { SharedPoolLimits, SharedPoolUsage, TenantPool } from "./pool-shares.ts";
import { PoolShares } from "./pool-shares.ts";
import type { CreateConnection } from "./pooled-connection.ts";

/** Where a connection goes and with which TLS material. */
export interface Destination {
  readonly origin: TargetOrigin;
  readonly tls?: NonNullable<ConnectorOptions["tls"]>;
}

/** The service's limits on connections to targets, by their names. */
export interface PoolLimits extends SharedPoolLimits {
  readonly upstreamConnectTimeoutMs: number;
  /** Connections of one tenant to one destination; further requests wait. */
  readonly maxUpstreamConnectionsPerDestination: number;
  /** Bytes of the head of a response. */
  readonly headerBytes: number;
  /** Time after which an unused pool is closed. */
  readonly upstreamPoolIdleMs: number;
}

export interface PoolOptions extends Pick<ConnectorOptions, "policy" | "lookup"> {
  readonly limits: PoolLimits;
  /** Makes the HTTP/1.1 client of each connection. */
  readonly createConnection: CreateConnection;
}

/** One connection pool for each destination of each tenant. No connection is shared between different TLS materials. */
export interface Pools {
  /**
   * @param owner the tenant that owns the target; no other tenant uses its pools.
   * @returns an error while the owner's whole share of pools is in use.
   */
  get(key: string, destination: Destination, owner: string): Result<UpstreamPool, "share_exceeded">;
  usage(): PoolUsage;
  /** Closes pools that were not used for a time before `now` (milliseconds). */
  closeIdle(now: number): void;
  close(): Promise<void>;
}

/** What all pools use, and have done. */
export interface PoolUsage extends SharedPoolUsage {
  /** Connections that were opened since the start. */
  readonly opened: number;
  /** Attempts to open one that failed. */
  readonly failed: number;
}

/** A digest of JSON: the parts hold private keys, and no two lists of parts may give the same key. */
export function poolKey({ origin, tls }: Destination, owner: string): string {
  const parts = [owner, origin.serialized, tls?.ca, tls?.cert, tls?.key, tls?.rejectUnauthorized];
  return hash("sha256", JSON.stringify(parts.map((part) => part ?? null)), "base64");
}

/** Memory of a pool and its TLS context, without certificates. */
const POOL_BYTES = 48 * 1_024;

/** Bytes of memory for each byte of PEM in a TLS context: certificates are parsed, and their names and keys indexed. */
const PEM_MEMORY_FACTOR = 5;

function poolMemory({ tls }: Destination): number {
  const pem = [tls?.ca, tls?.cert, tls?.key].reduce((sum, part) => sum + (part?.length ?? 0), 0);
  return POOL_BYTES + pem * PEM_MEMORY_FACTOR;
}

interface PoolEntry extends TenantPool {
  /** The result of `get`, made once and not for each request. */
  readonly found: Ok<ConnectionPool>;
  usedAt: number;
}

export function createPools(options: PoolOptions, now: () => number): Pools {
  const entries = new Map<string, PoolEntry>();
  const shares = new PoolShares(options.limits);
  const scheduler = createContextScheduler();
  const attempts = { opened: 0, failed: 0 };

  const open = (key: string, destination: Destination, owner: string): PoolEntry => {
    const pool = openPool(options, destination, { owner, shares, scheduler, attempts });
    const entry: PoolEntry = {
      found: ok(pool),
      owner,
      bytes: poolMemory(destination),
      usedAt: 0,
      get isIdle() {
        return pool.isIdle;
      },
      get connections() {
        return pool.connections;
      },
      close() {
        entries.delete(key);
        shares.delete(entry);
        void pool.close();
      },
    };
    entries.set(key, entry);
    shares.add(entry);
    return entry;
  };

  return {
    get(key, destination, owner) {
      let entry = entries.get(key);
      if (entry === undefined) {
        if (!shares.makeRoom(owner, poolMemory(destination))) return err("share_exceeded");
        entry = open(key, destination, owner);
      }
      entry.usedAt = now();
      return entry.found;
    },
    usage: () => ({ ...shares.usage(), ...attempts }),
    closeIdle(at) {
      for (const entry of entries.values()) {
        if (at - entry.usedAt >= options.limits.upstreamPoolIdleMs && entry.isIdle) entry.close();
      }
    },
    async close() {
      await Promise.all(Array.from(entries.values(), ({ found }) => found.value.close()));
      entries.clear();
    },
  };
}

/** What a pool uses of the resources that all tenants share. */
interface PoolResources {
  readonly owner: string;
  readonly shares: PoolShares;
  readonly scheduler: ContextScheduler;
  /** How attempts to connect have ended. */
  readonly attempts: { opened: number; failed: number };
}

function openPool(
  { policy, lookup, limits, createConnection }: PoolOptions,
  { origin, tls }: Destination,
  resources: PoolResources,
): ConnectionPool {
  const connect = createConnector({
    policy,
    connectTimeoutMs: limits.upstreamConnectTimeoutMs,
    lookup,
    scheduleContext: (make) => resources.scheduler.run(resources.owner, make),
    ...(tls === undefined ? {} : { tls }),
  });
  return new ConnectionPool(
    {
      origin,
      connections: limits.maxUpstreamConnectionsPerDestination,
      maxHeaderBytes: limits.headerBytes,
      createConnection,
    },
    countConnections(connect, resources),
  );
}

/** Counts connections against the owner, from the attempt on. */
function countConnections(connect: Connector, { owner, shares, attempts }: PoolResources): Connector {
  return (origin, callback, signal) => {
    const release = shares.reserveConnection(owner);
    // In a later turn: the pool opens another connection as soon as one fails.
    if (release === undefined) return void setImmediate(() => callback(new TooManyConnectionsError(), null));
    connect(
      origin,
      (...made) => {
        const [error, socket] = made;
        attempts[error === null ? "opened" : "failed"] += 1;
        if (error !== null || socket.destroyed) release();
        else socket.once("close", release);
        callback(...made);
      },
      signal,
    );
  };
}
