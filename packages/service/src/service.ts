import { hash, randomBytes } from "node:crypto";
import type { Authority } from "capability-protocol";
import { normalizeAuthority } from "capability-protocol";
import type { HashFunction } from "capability-protocol/signers";
import type { EventLog } from "./telemetry/events.ts";
import type { Cidr } from "./net/address.ts";
import { createContextScheduler } from "./egress/context-scheduler.ts";
import type { AllowRule, OwnEndpoint } from "./egress/policy.ts";
import { createEgressPolicy } from "./egress/policy.ts";
import { createPools } from "./egress/pools.ts";
import type { NameLookup } from "./egress/resolve-host.ts";
import { CORS_HEADERS } from "./http/cors.ts";
import { createAuthFailureLimiter } from "./http/auth-failure-limiter.ts";
import type { RouterContext } from "./http/router.ts";
import { route } from "./http/router.ts";
import type { RequestHandler, Listener } from "./http/server.ts";
import { listen } from "./http/server.ts";
import { createConnectionQueue } from "./http/connection-queue.ts";
import { createInFlightRegistry } from "./invocation/in-flight-registry.ts";
import { createAccountRegistry } from "./invocation/usage-accounts.ts";
import { createBufferBudget } from "./invocation/buffer-budget.ts";
import { createConcurrencyLimiter } from "./invocation/concurrency-limiter.ts";
import { createTicker } from "./invocation/ticker.ts";
import { createChunkScheduler } from "./invocation/chunk-scheduler.ts";
import { createWaitingResponses } from "./invocation/waiting-responses.ts";
import type { BodyOptions } from "./invocation/request-body.ts";
import type { Resolution } from "./invocation/resolve.ts";
import { MIN_COUNTED_CHUNK_BYTES, createYoungGcTrigger } from "./invocation/young-gc.ts";
import type { Limits } from "./limits.ts";
import { LONGEST_TIMER_MS } from "./limits.ts";
import { createEventLoopScheduler } from "./management/event-loop-scheduler.ts";
import { createPageScheduler } from "./management/page-scheduler.ts";
import type { ServiceKeys } from "./store/keys.ts";
import { createStalenessGuard } from "./store/staleness-guard.ts";
import { createRevocationFeed } from "./store/revocation-feed.ts";
import type { Store } from "./store/store.ts";
import { startSweeper } from "./store/sweeper.ts";
import { createVault } from "./store/vault.ts";
import { createResolutionCache } from "./store/resolution-cache.ts";
import { watchRevocations } from "./store/revocation-watcher.ts";
import { wallClock } from "./wall-clock.ts";

/** All that a service is made of. */
export interface ServiceOptions {
  readonly store: Store;
  readonly keys: ServiceKeys;
  readonly authority: Authority;
  /** Further names of this service. */
  readonly aliases: readonly Authority[];
  /** CA certificates, PEM, of other authorities that have a private one. */
  readonly authorityCas: ReadonlyMap<Authority, string>;
  readonly allowTargets: readonly AllowRule[];
  /** Targets are spoken to over TLS alone. Default: false. */
  readonly forbidHttpTargets?: boolean;
  /** The certificates of targets are checked, whatever a target says. Default: false. */
  readonly forbidUnverifiedTargets?: boolean;
  /** Proxies in front whose `X-Forwarded-For` is believed. Default: none. */
  readonly trustedProxies?: readonly Cidr[];
  readonly listen: { readonly host: string; readonly port: number };
  /** Absent: plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly limits: Limits;
  readonly log: EventLog;
  /** Addresses of this machine's interfaces. */
  readonly localAddresses: () => readonly string[];
  /** The time of day, which signatures and expiry go by. */
  readonly now: () => Date;
  /** A clock that cannot be set, in milliseconds, which durations go by. Default: that of the process. */
  readonly monotonic?: () => number;
  /** Collects young garbage. Default: nothing, and the engine lets 64 MB of dead buffers pile up. */
  readonly collectYoung?: () => void;
  /** Finds the addresses of targets. */
  readonly lookup: NameLookup;
}

export interface RunningService {
  readonly address: Listener["address"];
  setCertificate: Listener["setCertificate"];
  /** Stops accepting, finishes what is under way or cuts it at the deadline. The store stays open. */
  close(): Promise<void>;
}

/** Puts the parts together and listens. */
export async function startService(options: ServiceOptions): Promise<RunningService> {
  const { store, limits, log, now, monotonic = () => performance.now(), trustedProxies = [] } = options;
  const feed = createStalenessGuard(
    await createRevocationFeed(store),
    (error) => {
      if (error !== undefined) log.fault(error);
      inFlightRegistry.revokeAll();
    },
    { wall: wallClock, monotonic },
  );
  // Told first: no request may find a dead verdict while the requests under way are being ended.
  const cache = createResolutionCache<Resolution>(feed, limits.cachedVerdicts, limits.cachedBytes);
  const inFlightRegistry = createInFlightRegistry(feed);
  const vault = createVault(store, options.keys, randomBytes);
  const accountRegistry = createAccountRegistry();
  const authorities = [options.authority, ...options.aliases];
  const own: OwnEndpoint[] = [];
  const policy = createEgressPolicy({
    allow: options.allowTargets,
    ownEndpoints: () => own,
    localAddresses: options.localAddresses,
    ownAuthorities: authorities,
    forbidHttp: options.forbidHttpTargets ?? false,
    forbidUnverified: options.forbidUnverifiedTargets ?? false,
  });
  const pools = createPools(
    {
      policy,
      connectTimeoutMs: limits.connectTimeoutMs,
      connections: limits.connectionsPerDestination,
      maxHeaderBytes: limits.headerBytes,
      idlePoolMs: limits.idlePoolMs,
      pools: limits.pools,
      poolBytes: limits.poolBytes,
      targetConnections: limits.targetConnections,
      lookup: options.lookup,
    },
    monotonic,
  );
  const sweeper = startSweeper(store, log);
  const ownNames = new Set(authorities.map(normalizeAuthority));
  const isOwn = (authority: Authority): boolean => ownNames.has(normalizeAuthority(authority));

  /** What was revoked is on disk; here it ends what is under way at once, and not only at the next look at the log. */
  const endRevoked = async (): Promise<void> => {
    try {
      await feed.refresh();
    } catch (error) {
      log.fault(error);
      inFlightRegistry.revokeAll();
    }
  };
  const ticker = createTicker();
  const countForGc = createYoungGcTrigger(options.collectYoung ?? (() => undefined));
  const onBytes = (bytes: number): void => {
    feed.ensureFresh();
    if (bytes >= MIN_COUNTED_CHUNK_BYTES) countForGc(bytes);
  };
  const bodies: BodyOptions = {
    ticker,
    onBytes,
    minRequestRate: { windowMs: limits.bodyIdleMs, bytesPerSecond: limits.senderBytesPerSecond },
  };
  const enqueue = createConnectionQueue(
    { perConnection: limits.pipelinedRequestsPerConnection, bytes: limits.pipelinedBytes },
    {
      onError(error, socket) {
        log.fault(error);
        socket.destroy();
      },
      onOverflow: log.pipelineClosed,
    },
  );
  const onRequest: RequestHandler = (request, response) =>
    void enqueue({ request, response }, () => route(context, { request, response }));

  const loopTurns = createEventLoopScheduler();
  const context: RouterContext = {
    resolveContext: {
      feed,
      cache,
      vault,
      inFlightRegistry,
      accountRegistry,
      digest,
      authorityCa: (authority) => options.authorityCas.get(normalizeAuthority(authority)),
    },
    invocationContext: {
      recheck: () => feed.advance(),
      pools,
      accountRegistry,
      bufferBudget: createBufferBudget(limits.heldBytes, "bufferedBytes"),
      concurrencyLimiter: createConcurrencyLimiter({
        perCapability: limits.invocationsPerCapability,
        perTenant: limits.invocationsPerTenant,
        total: limits.invocations,
      }),
      digest,
      now,
      hopId: `membrane-${store.id.slice(0, 16)}`,
      cors: CORS_HEADERS,
      ticker,
      chunkScheduler: createChunkScheduler(),
      waitingResponses: createWaitingResponses(limits.waitingResponseBytes, accountRegistry),
      onBytes,
      bodies,
      minResponseRate: { windowMs: limits.readerIdleMs, bytesPerSecond: limits.readerBytesPerSecond },
      headerBytes: limits.headerBytes,
      maxBufferedBodyBytes: limits.heldBodyBytes,
      responseTimeoutMs: limits.answerTimeoutMs,
      idleTimeoutMs: limits.idleTimeoutMs,
      invocationTimeoutMs: limits.totalTimeoutMs,
    },
    managementContext: {
      store,
      vault,
      pageScheduler: createPageScheduler(limits.waitingPagesPerTenant, loopTurns),
      loopTurns,
      scheduleFairly: createContextScheduler(undefined, EXPORT_PAUSE_FACTOR).run,
      random: randomBytes,
      policy,
      headerBytes: limits.headerBytes,
      authority: options.authority,
      isOwn,
      bodies,
      bufferBudget: createBufferBudget(limits.managementHeldBytes, "managementBytes"),
      bodyLimit: limits.managementBodyBytes,
      jsonDepth: limits.jsonDepth,
      onRevoked: () => {
        sweeper.wake();
        void endRevoked();
      },
    },
    authFailures: createAuthFailureLimiter(limits.failedAuthorizationsPerMinute, monotonic),
    trustedProxies,
    isOwn,
    log,
  };
  const listening = listen(
    {
      ...options.listen,
      ...(options.tls === undefined ? {} : { tls: options.tls }),
      maxHeaderBytes: limits.headerBytes,
      maxConnections: limits.connections,
      maxConnectionsPerAddress: limits.connectionsPerAddress,
      trustedProxies,
      headTimeoutMs: limits.headTimeoutMs,
      onConnection: enqueue.accept,
      isPaused: enqueue.isPaused,
      keepAliveMs: limits.keepAliveMs,
      socketTimeoutMs: Math.min(
        Math.max(limits.answerTimeoutMs, limits.idleTimeoutMs) + limits.readerIdleMs,
        LONGEST_TIMER_MS,
      ),
      onError: log.fault,
    },
    onRequest,
  );
  const listener = await listening.catch(async (error: unknown) => {
    await sweeper.stop();
    throw error;
  });
  own.push({ address: listener.address.address, port: listener.address.port });
  const stopWatching = watchRevocations(feed, inFlightRegistry, limits.blindMs, log);
  const poolTimer = setInterval(() => pools.closeIdle(monotonic()), limits.idlePoolMs).unref();

  return {
    address: listener.address,
    setCertificate: listener.setCertificate,
    async close() {
      await listener.close(limits.shutdownMs);
      clearInterval(poolTimer);
      stopWatching();
      ticker.stop();
      inFlightRegistry.revokeAll();
      await enqueue.idle();
      await sweeper.stop();
      await pools.close();
    },
  };
}

/** Reading the certificates of exports may take a tenth of the time for each tenant; its further exports wait. */
const EXPORT_PAUSE_FACTOR = 10;

/** By way of text: a buffer that the hash function makes itself costs more than the hash. */
const digest: HashFunction = (algorithm, bytes) => Buffer.from(hash(algorithm, bytes, "binary"), "latin1");
