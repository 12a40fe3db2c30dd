import type { InFlightRegistry } from "../invocation/in-flight-registry.ts";
import { createInFlightRegistry } from "../invocation/in-flight-registry.ts";
import type { Resolution } from "../invocation/resolve.ts";
import type { ServiceLimits } from "../service-limits.ts";
import type { ResolutionCache } from "../store/resolution-cache.ts";
import { createResolutionCache } from "../store/resolution-cache.ts";
import { createRevocationFeed } from "../store/revocation-feed.ts";
import { watchRevocations } from "../store/revocation-watcher.ts";
import type { StalenessGuard } from "../store/staleness-guard.ts";
import { createStalenessGuard } from "../store/staleness-guard.ts";
import { isStoreOutage } from "../store/store.ts";
import { startSweeper } from "../store/sweeper.ts";
import type { EventLog } from "../telemetry/events.ts";
import { wallClock } from "../wall-clock.ts";
import type { AuditParts } from "./audit-parts.ts";
import type { ServiceOptions } from "./options.ts";

/** Records what the sweep has deleted, too. */
function auditedSweeps(
  log: Pick<EventLog, "swept" | "fault">,
  audit: Pick<AuditParts, "swept">,
): Pick<EventLog, "swept" | "fault"> {
  return {
    fault: log.fault,
    swept(event) {
      log.swept(event);
      audit.swept(event.deleted);
    },
  };
}

/** Owns everything that a revoke changes in this process: cached resolutions, requests in flight, the sweep. */
export interface RevocationMonitor {
  readonly feed: StalenessGuard;
  readonly cache: ResolutionCache<Resolution>;
  readonly inFlightRegistry: InFlightRegistry;
  /** Call after a revoke by this process is on disk: ends what it revoked at once, and starts the sweep. */
  revoked(): void;
  /** Ends all requests in flight. Resolves when no sweep is running. */
  close(): Promise<void>;
}

export async function startRevocationMonitor(
  limits: Pick<ServiceLimits, "cacheEntries" | "cacheBytes" | "maxRevocationStalenessMs">,
  {
    store,
    log,
    now,
  }: Pick<ServiceOptions, "store" | "now"> & { readonly log: Pick<EventLog, "swept" | "fault"> },
  monotonic: () => number,
  audit?: Pick<AuditParts, "cut" | "swept">,
): Promise<RevocationMonitor> {
  const failClosed = (error?: unknown): void => {
    if (error !== undefined && !isStoreOutage(error)) log.fault(error);
    inFlightRegistry.revokeAll("STALE");
  };
  const feed = createStalenessGuard(await createRevocationFeed(store), {
    maxAgeMs: store.positionMaxAgeMs,
    onStale: failClosed,
    now: { wall: wallClock, monotonic },
  });
  // The cache subscribes before the registry: while requests in flight are ended, no new one may find a revoked resolution.
  const wall = (): number => now().getTime();
  const capacity = { entries: limits.cacheEntries, bytes: limits.cacheBytes };
  const cache = createResolutionCache<Resolution>(feed, capacity, wall);
  const inFlightRegistry = createInFlightRegistry(feed, wall, audit?.cut);
  const sweeper = startSweeper(store, audit === undefined ? log : auditedSweeps(log, audit));
  const stopWatching = watchRevocations(feed, inFlightRegistry, limits.maxRevocationStalenessMs, log);

  const refresh = async (): Promise<void> => {
    try {
      await feed.refresh();
    } catch (error) {
      failClosed(error);
    }
  };
  return {
    feed,
    cache,
    inFlightRegistry,
    revoked() {
      sweeper.wake();
      void refresh();
    },
    async close() {
      stopWatching();
      inFlightRegistry.revokeAll("STOPPED");
      await sweeper.stop();
    },
  };
}
