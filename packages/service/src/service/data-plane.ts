import { hash } from "node:crypto";
import { normalizeAuthority, originOfAuthority } from "capability-protocol";
import type { EgressPolicy } from "../egress/policy.ts";
import type { CreateConnection } from "../egress/pooled-connection.ts";
import type { Pools } from "../egress/pools.ts";
import { createPools } from "../egress/pools.ts";
import { CORS_HEADERS } from "../http/cors.ts";
import { createBufferBudget } from "../invocation/buffer-budget.ts";
import { createChunkScheduler } from "../collections/chunk-scheduler.ts";
import { createConcurrencyLimiter } from "../invocation/concurrency-limiter.ts";
import type { InvocationMeter } from "../invocation/invocation-meter.ts";
import type { InvocationContext } from "../invocation/invoke.ts";
import { PassedHeads } from "../invocation/passed-heads.ts";
import type { BodyOptions } from "../invocation/request-body.ts";
import type { ResolveContext } from "../invocation/resolve.ts";
import { createTicker } from "../invocation/ticker.ts";
import { createAccountRegistry } from "../invocation/usage-accounts.ts";
import { createWaitingResponses } from "../invocation/waiting-responses.ts";
import { MIN_COUNTED_CHUNK_BYTES, createYoungGcTrigger } from "../invocation/young-gc.ts";
import { createUsedResolutions } from "../invocation/used-resolutions.ts";
import type { ServiceLimits } from "../service-limits.ts";
import type { Vault } from "../store/vault.ts";
import type { ServiceOptions } from "./options.ts";
import type { RevocationMonitor } from "./revocation-monitor.ts";

/** Owns what carries invocations: the connections to targets, the timers of requests in flight, their budgets. */
export interface DataPlane {
  readonly resolveContext: ResolveContext;
  readonly invocationContext: InvocationContext;
  /** How the bodies of requests to the service itself are read. */
  readonly bodies: BodyOptions;
  readonly pools: Pools;
  /** Closes the connections to targets. Call it when no request is in flight. */
  close(): Promise<void>;
}

export interface DataPlaneParts {
  readonly monitor: RevocationMonitor;
  readonly vault: Vault;
  readonly policy: EgressPolicy;
  readonly monotonic: () => number;
  readonly meter: InvocationMeter;
  readonly createConnection: CreateConnection;
}

type DataPlaneOptions = Pick<
  ServiceOptions,
  "config" | "store" | "authorityCas" | "now" | "lookup" | "collectYoung"
>;

export function createDataPlane(
  limits: ServiceLimits,
  options: DataPlaneOptions,
  parts: DataPlaneParts,
): DataPlane {
  const { feed, cache, inFlightRegistry } = parts.monitor;
  const { policy, monotonic, meter, createConnection } = parts;
  const { lookup } = options;
  const pools = createPools({ policy, lookup, limits, createConnection }, monotonic);
  const poolTimer = setInterval(() => pools.closeIdle(monotonic()), limits.upstreamPoolIdleMs).unref();
  const accountRegistry = createAccountRegistry();
  const ticker = createTicker(parts.monotonic);
  const countForGc = createYoungGcTrigger(options.collectYoung ?? (() => undefined));
  const countChunk = (bytes: number): void => {
    if (bytes >= MIN_COUNTED_CHUNK_BYTES) countForGc(bytes);
  };
  const onBytes = (bytes: number): void => {
    feed.ensureFresh();
    countChunk(bytes);
  };
  const bodies: BodyOptions = {
    ticker,
    onBytes,
    minRequestRate: { windowMs: limits.requestRateWindowMs, bytesPerSecond: limits.minRequestRate },
  };
  return {
    bodies,
    pools,
    resolveContext: {
      feed,
      cache,
      lookups: { hits: 0, misses: 0 },
      vault: parts.vault,
      inFlightRegistry,
      accountRegistry,
      digest: hash,
      authorityCa: (authority) => options.authorityCas.get(normalizeAuthority(authority)),
    },
    invocationContext: {
      recheck: feed.advance,
      useStore: options.store,
      refreshLog: feed.refresh,
      pools,
      accountRegistry,
      bufferBudget: createBufferBudget(limits.bufferedBytesTotal, "bufferedBytes", accountRegistry),
      usedResolutions: createUsedResolutions(limits.usedResolutionBytesTotal, accountRegistry),
      concurrencyLimiter: createConcurrencyLimiter({
        perCapability: limits.maxConcurrentInvocationsPerCapability,
        perTenant: limits.maxConcurrentInvocationsPerTenant,
        total: limits.maxConcurrentInvocations,
      }),
      digest: hash,
      now: options.now,
      hopId: `membrane-${options.store.id.slice(0, 16)}`,
      ownOrigin: originOfAuthority(options.config.authority).serialized,
      passedHeads: new PassedHeads(CORS_HEADERS),
      ticker,
      meter,
      chunkScheduler: createChunkScheduler(),
      waitingResponses: createWaitingResponses(limits.waitingResponseBytesTotal, accountRegistry),
      ensureFresh: feed.ensureFresh,
      countChunk,
      bodies: {
        ...bodies,
        onBytes(bytes) {
          meter.clientBytes += bytes;
          onBytes(bytes);
        },
      },
      minResponseRate: { windowMs: limits.responseRateWindowMs, bytesPerSecond: limits.minResponseRate },
      headerBytes: limits.headerBytes,
      maxBufferedBodyBytes: limits.bufferedBodyBytes,
      responseTimeoutMs: limits.upstreamResponseTimeoutMs,
      idleTimeoutMs: limits.upstreamIdleTimeoutMs,
      invocationTimeoutMs: limits.invocationTimeoutMs,
      webSocketIdleTimeoutMs: limits.websocketIdleTimeoutMs,
    },
    async close() {
      clearInterval(poolTimer);
      ticker.stop();
      await pools.close();
    },
  };
}
