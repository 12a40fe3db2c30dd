import { hash, randomBytes } from "node:crypto";
import type { Authority } from "capability-protocol";
import { normalizeAuthority } from "capability-protocol";
import type { Digest } from "capability-protocol/signers";
import type { AuditLog } from "./audit/log.ts";
import type { Cidr } from "./egress/address.ts";
import { createContextTurns } from "./egress/context-turns.ts";
import type { AllowRule, OwnEndpoint } from "./egress/policy.ts";
import { createEgressPolicy } from "./egress/policy.ts";
import { createPools } from "./egress/pools.ts";
import type { NameLookup } from "./egress/resolve.ts";
import { CORS_HEADERS } from "./http/cors.ts";
import { createFailedAuthorizations } from "./http/failed-authorizations.ts";
import type { RouterContext } from "./http/router.ts";
import { route } from "./http/router.ts";
import type { Handler, Listener } from "./http/server.ts";
import { listen } from "./http/server.ts";
import { createTurns } from "./http/turns.ts";
import { createAdmissions } from "./invocation/admissions.ts";
import { createLedger } from "./invocation/accounts.ts";
import { createByteBudget } from "./invocation/byte-budget.ts";
import { createOccupancy } from "./invocation/occupancy.ts";
import { createPace } from "./invocation/pace.ts";
import { createPieceTurns } from "./invocation/piece-turns.ts";
import { createWaitingResponses } from "./invocation/waiting-responses.ts";
import type { BodyOptions } from "./invocation/request-body.ts";
import type { Resolved } from "./invocation/resolve.ts";
import { SMALL_PIECE_BYTES, collectAsStreamed } from "./invocation/collect-as-streamed.ts";
import type { Limits } from "./limits.ts";
import { LONGEST_TIMER_MS } from "./limits.ts";
import { createLoopTurns } from "./management/loop-turns.ts";
import { createPageTurns } from "./management/page-turns.ts";
import type { ServiceKeys } from "./store/keys.ts";
import { createAwakeFeed } from "./store/awake.ts";
import { createRevocationFeed } from "./store/revocation-feed.ts";
import type { Store } from "./store/store.ts";
import { startSweeper } from "./store/sweeper.ts";
import { createVault } from "./store/vault.ts";
import { createVerdictCache } from "./store/verdict-cache.ts";
import { watchRevocations } from "./store/watch.ts";
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
  readonly log: AuditLog;
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
  const feed = createAwakeFeed(
    await createRevocationFeed(store),
    (error) => {
      if (error !== undefined) log.fault(error);
      admissions.revokeAll();
    },
    { wall: wallClock, monotonic },
  );
  // Told first: no request may find a dead verdict while the requests under way are being ended.
  const cache = createVerdictCache<Resolved>(feed, limits.cachedVerdicts, limits.cachedBytes);
  const admissions = createAdmissions(feed);
  const vault = createVault(store, options.keys, randomBytes);
  const ledger = createLedger();
  const names = [options.authority, ...options.aliases];
  const own: OwnEndpoint[] = [];
  const policy = createEgressPolicy({
    allow: options.allowTargets,
    own: () => own,
    localAddresses: options.localAddresses,
    ownAuthorities: names,
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
  const ownNames = new Set(names.map(normalizeAuthority));
  const isOwn = (authority: Authority): boolean => ownNames.has(normalizeAuthority(authority));

  /** What was revoked is on disk; here it ends what is under way at once, and not only at the next look at the log. */
  const announce = async (): Promise<void> => {
    try {
      await feed.advance();
    } catch (error) {
      log.fault(error);
      admissions.revokeAll();
    }
  };
  const pace = createPace();
  const collect = collectAsStreamed(options.collectYoung ?? (() => undefined));
  const passing = (bytes: number): void => {
    feed.keepUp();
    if (bytes >= SMALL_PIECE_BYTES) collect(bytes);
  };
  const bodies: BodyOptions = {
    pace,
    passing,
    sender: { windowMs: limits.bodyIdleMs, bytesPerSecond: limits.senderBytesPerSecond },
  };
  const inTurn = createTurns(
    { perConnection: limits.pipelinedRequestsPerConnection, bytes: limits.pipelinedBytes },
    {
      failed(error, socket) {
        log.fault(error);
        socket.destroy();
      },
      closed: log.pipelineClosed,
    },
  );
  const receive: Handler = (request, response) =>
    void inTurn({ request, response }, () => route(context, { request, response }));

  const loopTurns = createLoopTurns();
  const context: RouterContext = {
    resolving: {
      feed,
      cache,
      vault,
      admissions,
      ledger,
      digest,
      authorityCa: (authority) => options.authorityCas.get(normalizeAuthority(authority)),
    },
    invoking: {
      recheck: () => feed.advance(),
      pools,
      ledger,
      held: createByteBudget(limits.heldBytes, "heldBytes"),
      occupancy: createOccupancy({
        perCapability: limits.invocationsPerCapability,
        perTenant: limits.invocationsPerTenant,
        inAll: limits.invocations,
      }),
      digest,
      now,
      hopId: `membrane-${store.id.slice(0, 16)}`,
      cors: CORS_HEADERS,
      pace,
      pieceTurns: createPieceTurns(),
      waiting: createWaitingResponses(limits.waitingResponseBytes, ledger),
      passing,
      bodies,
      reader: { windowMs: limits.readerIdleMs, bytesPerSecond: limits.readerBytesPerSecond },
      headerBytes: limits.headerBytes,
      holdLimit: limits.heldBodyBytes,
      answerTimeoutMs: limits.answerTimeoutMs,
      idleTimeoutMs: limits.idleTimeoutMs,
      totalTimeoutMs: limits.totalTimeoutMs,
    },
    managing: {
      store,
      vault,
      pages: createPageTurns(limits.waitingPagesPerTenant, loopTurns),
      loopTurns,
      inTurn: createContextTurns(undefined, EXPORTS_REST).take,
      random: randomBytes,
      policy,
      headerBytes: limits.headerBytes,
      authority: options.authority,
      isOwn,
      bodies,
      held: createByteBudget(limits.managementHeldBytes, "managementBytes"),
      bodyLimit: limits.managementBodyBytes,
      jsonDepth: limits.jsonDepth,
      revoked: () => {
        sweeper.wake();
        void announce();
      },
    },
    failures: createFailedAuthorizations(limits.failedAuthorizationsPerMinute, monotonic),
    trustedProxies,
    isOwn,
    log,
  };
  const listening = listen(
    {
      ...options.listen,
      ...(options.tls === undefined ? {} : { tls: options.tls }),
      maxHeaderBytes: limits.headerBytes,
      connections: limits.connections,
      connectionsPerAddress: limits.connectionsPerAddress,
      trustedProxies,
      headTimeoutMs: limits.headTimeoutMs,
      began: inTurn.began,
      isPaused: inTurn.isPaused,
      keepAliveMs: limits.keepAliveMs,
      stallMs: Math.min(
        Math.max(limits.answerTimeoutMs, limits.idleTimeoutMs) + limits.readerIdleMs,
        LONGEST_TIMER_MS,
      ),
      fault: log.fault,
    },
    receive,
  );
  const listener = await listening.catch(async (error: unknown) => {
    await sweeper.stop();
    throw error;
  });
  own.push({ address: listener.address.address, port: listener.address.port });
  const stopWatching = watchRevocations(feed, admissions, limits.blindMs, log);
  const poolTimer = setInterval(() => pools.closeIdle(monotonic()), limits.idlePoolMs).unref();

  return {
    address: listener.address,
    setCertificate: listener.setCertificate,
    async close() {
      await listener.close(limits.shutdownMs);
      clearInterval(poolTimer);
      stopWatching();
      pace.stop();
      admissions.revokeAll();
      await inTurn.allOver();
      await sweeper.stop();
      await pools.close();
    },
  };
}

/** Reading the certificates of exports may take a tenth of the time for each tenant; its further exports wait. */
const EXPORTS_REST = 10;

/** By way of text: a buffer that the hash function makes itself costs more than the hash. */
const digest: Digest = (algorithm, bytes) => Buffer.from(hash(algorithm, bytes, "binary"), "latin1");
