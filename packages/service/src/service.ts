import { hash, randomBytes } from "node:crypto";
import type { LookupFunction } from "node:net";
import type { Authority } from "capability-protocol";
import { normalizeAuthority } from "capability-protocol";
import type { Digest } from "capability-protocol/signers";
import type { AuditLog } from "./audit/log.ts";
import type { AllowRule, OwnEndpoint } from "./egress/policy.ts";
import { createEgressPolicy } from "./egress/policy.ts";
import { createPools } from "./egress/pools.ts";
import { CORS_HEADERS } from "./http/cors.ts";
import type { RouterContext } from "./http/router.ts";
import { route } from "./http/router.ts";
import type { Listener } from "./http/server.ts";
import { listen } from "./http/server.ts";
import { createAdmissions } from "./invocation/admissions.ts";
import type { Resolved } from "./invocation/resolve.ts";
import { tidyAfter } from "./invocation/tidy.ts";
import type { Limits } from "./limits.ts";
import type { ServiceKeys } from "./store/keys.ts";
import { createRevocationFeed } from "./store/revocation-feed.ts";
import type { Store } from "./store/store.ts";
import { startSweeper } from "./store/sweeper.ts";
import { createVault } from "./store/vault.ts";
import { createVerdictCache } from "./store/verdict-cache.ts";
import { watchRevocations } from "./store/watch.ts";

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
  readonly listen: { readonly host: string; readonly port: number };
  /** Absent: plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly limits: Limits;
  readonly log: AuditLog;
  /** Addresses of this machine's interfaces. */
  readonly localAddresses: () => readonly string[];
  readonly now: () => Date;
  /** Frees the buffers that nothing refers to any more. Default: left to the engine, which lets 64 MB pile up. */
  readonly tidy?: () => void;
  /** Default: the operating system's resolver. */
  readonly lookup?: LookupFunction;
}

export interface RunningService {
  readonly address: Listener["address"];
  setCertificate: Listener["setCertificate"];
  /** Stops accepting, finishes what is under way or cuts it at the deadline. The store stays open. */
  close(): Promise<void>;
}

/** Puts the parts together and listens. */
export async function startService(options: ServiceOptions): Promise<RunningService> {
  const { store, limits, log, now } = options;
  const feed = await createRevocationFeed(store);
  const admissions = createAdmissions(feed);
  const cache = createVerdictCache<Resolved>(feed, limits.cachedVerdicts);
  const vault = createVault(store, options.keys, randomBytes);
  const names = [options.authority, ...options.aliases];
  const own: OwnEndpoint[] = [];
  const policy = createEgressPolicy({
    allow: options.allowTargets,
    own: () => own,
    localAddresses: options.localAddresses,
    ownAuthorities: names,
  });
  const pools = createPools(
    {
      policy,
      connectTimeoutMs: limits.connectTimeoutMs,
      connections: limits.connectionsPerDestination,
      maxHeaderBytes: limits.headerBytes,
      idlePoolMs: limits.idlePoolMs,
      ...(options.lookup === undefined ? {} : { lookup: options.lookup }),
    },
    () => now().getTime(),
  );
  const sweeper = startSweeper(store, log);
  const ownNames = new Set(names.map(normalizeAuthority));
  const isOwn = (authority: Authority): boolean => ownNames.has(normalizeAuthority(authority));

  const context: RouterContext = {
    resolving: {
      feed,
      cache,
      vault,
      admissions,
      digest,
      authorityCa: (authority) => options.authorityCas.get(normalizeAuthority(authority)),
    },
    invoking: {
      feed,
      pools,
      digest,
      now,
      hopId: `membrane-${store.id.slice(0, 16)}`,
      cors: CORS_HEADERS,
      streamed: tidyAfter(limits.untidiedBytes, options.tidy ?? (() => undefined)),
      holdLimit: limits.heldBodyBytes,
      idleTimeoutMs: limits.idleTimeoutMs,
    },
    managing: {
      store,
      vault,
      random: randomBytes,
      policy,
      authority: options.authority,
      isOwn,
      revoked: () => {
        void feed.advance();
        sweeper.wake();
      },
    },
    isOwn,
    log,
  };
  const listener = await listen(
    {
      ...options.listen,
      ...(options.tls === undefined ? {} : { tls: options.tls }),
      maxHeaderBytes: limits.headerBytes,
      headTimeoutMs: limits.headTimeoutMs,
      keepAliveMs: limits.keepAliveMs,
    },
    (request, response) => void route(context, { request, response }),
  );
  own.push({ address: listener.address.address, port: listener.address.port });
  const stopWatching = watchRevocations(feed, admissions, limits.blindMs, log);
  const poolTimer = setInterval(() => pools.closeIdle(now().getTime()), limits.idlePoolMs).unref();

  return {
    address: listener.address,
    setCertificate: listener.setCertificate,
    async close() {
      await listener.close(limits.shutdownMs);
      clearInterval(poolTimer);
      stopWatching();
      await sweeper.stop();
      await pools.close();
    },
  };
}

const digest: Digest = (algorithm, bytes) => hash(algorithm, bytes, "buffer");
