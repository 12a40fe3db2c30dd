import { err } from "capability-protocol";
import { createEventLoopScheduler } from "../collections/event-loop-scheduler.ts";
import { Histogram } from "../collections/histogram.ts";
import type { Outcome } from "../domain/denial.ts";
import { PASSED } from "../domain/denial.ts";
import type { OwnEndpoint } from "../egress/policy.ts";
import { createEgressPolicy } from "../egress/policy.ts";
import { createAuthFailureLimiter } from "../http/auth-failure-limiter.ts";
import { createHostCheck } from "../http/host.ts";
import { RequestCounts } from "../http/request-counts.ts";
import { newRequestId } from "../http/request-id.ts";
import type { RouterContext } from "../http/router.ts";
import { route } from "../http/router.ts";
import type { HttpListener } from "../http1/listener.ts";
import { InvocationMeter } from "../invocation/invocation-meter.ts";
import { drawRandomBytes } from "../random-bytes.ts";
import { MAX_TIMER_MS } from "../service-limit.ts";
import type { Position } from "../store/revocation-source.ts";
import { createRekeyer } from "../store/rekeyer.ts";
import { createVault } from "../store/vault.ts";
import { LONG_BOUNDS, SHORT_BOUNDS } from "../telemetry/metrics/definitions.ts";
import type { Reading } from "../telemetry/metrics/reading.ts";
import { createAuditParts } from "./audit-parts.ts";
import { createControlPlane } from "./control-plane.ts";
import { createDataPlane } from "./data-plane.ts";
import { startListener } from "./listener.ts";
import type { ServiceOptions } from "./options.ts";
import { matchAuthorities, matchNamesBelow, ownAuthorities } from "./own-authorities.ts";
import { startRevocationMonitor } from "./revocation-monitor.ts";
import { collectService } from "./service-reading.ts";
import { createUpstreamClient } from "./upstream-client.ts";

/** After the deadline of a stop: time for the responses to the requests that it refuses, in milliseconds. */
const REFUSAL_TIME_MS = 250;

export interface RunningService {
  readonly address: HttpListener["address"];
  setCertificate: HttpListener["setCertificate"];
  /** Whether requests can be served: not while it closes, nor while the store cannot be read, or fails to write. */
  isReady(): boolean;
  /** What the service has counted, and how it is now. */
  readMetrics(): Promise<Reading>;
  /** Accepts nothing more, waits for the requests in flight, and ends them at the deadline. The store stays open. */
  close(): Promise<void>;
}

/** Connects the parts of a service, and listens. */
export async function startService(options: ServiceOptions): Promise<RunningService> {
  const { config, log, monotonic = () => performance.now() } = options;
  const { limits, trustedProxies } = config;
  // Before anything that would have to be closed: it throws if its parser is not the one that was tested.
  const { createConnection = createUpstreamClient(config.upstreamClient, monotonic, config.keepsHeads) } =
    options;
  const authorities = ownAuthorities(config);
  const isOwn = matchAuthorities(authorities);
  // Where the service itself listens is known only after it has started to.
  const ownEndpoints: OwnEndpoint[] = metricsEndpoints(config);
  const policy = createEgressPolicy({
    ...config.egress,
    ownAuthorities: authorities,
    ownEndpoints: () => ownEndpoints,
    localAddresses: options.localAddresses,
  });
  const loopTurns = createEventLoopScheduler();
  const audit = createAuditParts(config, options, monotonic);
  const offerRekey = createRekeyer(options.store, monotonic, {
    onRekeyed: (capability) => audit?.rekeyed(capability),
    onFault: log.fault,
  });
  const vault = createVault(options.store, options.keys, drawRandomBytes, { loopTurns, offerRekey });
  const monitor = await startRevocationMonitor(limits, options, monotonic, audit);
  const meter = new InvocationMeter({
    gateway: new Histogram(SHORT_BOUNDS),
    target: new Histogram(LONG_BOUNDS),
  });
  const counts = new RequestCounts();
  let isStopping = false;
  const dataPlane = createDataPlane(limits, options, {
    monitor,
    vault,
    policy,
    monotonic,
    meter,
    createConnection,
  });
  const { bodies, resolveContext, invocationContext } = dataPlane;
  const managementContext = createControlPlane(config, options, {
    vault,
    policy,
    bodies,
    accountRegistry: invocationContext.accountRegistry,
    isOwn,
    onRevoked: monitor.revoked,
    changeAudit: audit?.changes,
    loopTurns,
  });
  const context: RouterContext = {
    resolveContext,
    invocationContext,
    managementContext,
    tracer: options.tracer,
    authFailures: createAuthFailureLimiter(limits.maxAuthFailuresPerMinute, monotonic),
    trustedProxies,
    newRequestId,
    isHost: createHostCheck(),
    checkReady: () => (isStopping ? err({ reason: "service_stopping" }) : checkStore(options)),
    counts,
    refusalAudit: audit?.refusals,
    invocationAudit: audit?.invocations,
    isOwn,
    isBelowOwn: matchNamesBelow(authorities),
    log,
  };
  const closeOwners = async (listener?: { idle(): Promise<void> }): Promise<void> => {
    await monitor.close();
    await listener?.idle();
    await dataPlane.close();
  };
  const listening = startListener(config, options, context, (exchange) => route(context, exchange));
  const listener = await listening.catch(async (error: unknown) => {
    await closeOwners();
    throw error;
  });
  const { address, port } = listener.address;
  ownEndpoints.push({ address, port });

  return {
    address: listener.address,
    setCertificate: listener.setCertificate,
    isReady: () => context.checkReady().ok,
    readMetrics: () =>
      collectService({
        meter,
        counts,
        lookups: resolveContext.lookups,
        invocationsInFlight: () => invocationContext.concurrencyLimiter.inFlight,
        clientConnections: listener.connections,
        pools: dataPlane.pools.usage,
        cache: monitor.cache.usage,
        applied: monitor.feed.position,
        logEnd: () => (isStopping ? undefined : knownPosition(options.store)),
        leaseAgeMs: options.store.leaseAgeMs,
        storeStatus: async () => (isStopping ? undefined : options.store.status()),
        isReady: () => context.checkReady().ok,
      }),
    async close() {
      isStopping = true;
      const deadlineMs = Math.min(limits.shutdownTimeoutMs, MAX_TIMER_MS - REFUSAL_TIME_MS);
      const deadline = setTimeout(() => monitor.inFlightRegistry.revokeAll("STOPPED"), deadlineMs);
      await listener.close(deadlineMs + REFUSAL_TIME_MS);
      clearTimeout(deadline);
      await closeOwners(listener);
      audit?.refusals.close();
    },
  };
}

/** Where metrics are read is not a target either. */
function metricsEndpoints({ metricsListen }: ServiceOptions["config"]): OwnEndpoint[] {
  return metricsListen === undefined ? [] : [{ address: metricsListen.host, port: metricsListen.port }];
}

/**
 * Checks whether the store can serve requests: what was revoked is known, and can be read. One that is full still carries invocations
 * and revokes; one whose writes fail cannot promise a revoke.
 */
function checkStore({
  store,
  storeState = () => "writable",
}: Pick<ServiceOptions, "store" | "storeState">): Outcome<undefined> {
  if (storeState() === "failed") return err({ reason: "store_failed" });
  return knownPosition(store) === undefined ? err({ reason: "store_unavailable" }) : PASSED;
}

/** A store that cannot be read is a fault of the requests that find it, and not of those that ask whether it can. */
function knownPosition(store: ServiceOptions["store"]): Position | undefined {
  try {
    return store.position();
  } catch {
    return undefined;
  }
}
