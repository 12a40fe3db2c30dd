import { withTimeout } from "../collections/with-timeout.ts";
import type { PoolUsage } from "../egress/pools.ts";
import { toKebabCase } from "../flag-names.ts";
import type { OperationCounts, RequestCounts } from "../http/request-counts.ts";
import type { InvocationMeter } from "../invocation/invocation-meter.ts";
import type { CacheLookups } from "../invocation/resolve.ts";
import type { CacheUsage } from "../store/resolution-cache.ts";
import type { StoreStatus } from "../store/store.ts";
import type { Position } from "../store/revocation-source.ts";
import type { Reading, Series } from "../telemetry/metrics/reading.ts";
import { histogramSeries, series } from "../telemetry/metrics/reading.ts";

/** Where the numbers of a service are. They are read only when metrics are asked for. */
export interface ServiceSources {
  readonly meter: InvocationMeter;
  readonly counts: RequestCounts;
  readonly lookups: CacheLookups;
  readonly invocationsInFlight: () => number;
  readonly clientConnections: () => Promise<number>;
  readonly pools: () => PoolUsage;
  readonly cache: () => CacheUsage;
  /** Up to where the revocation log was applied. */
  readonly applied: () => Position;
  /** Where it ends, if this is known. */
  readonly logEnd: () => Position | undefined;
  readonly leaseAgeMs: () => number | undefined;
  /** Nothing while the store closes. */
  readonly storeStatus: () => Promise<StoreStatus | undefined>;
  readonly isReady: () => boolean;
}

const MS_PER_SECOND = 1_000;

/** Time for the store to say how it is, in milliseconds: a scrape does not wait for a database that is gone. */
const STATUS_TIMEOUT_MS = 1_000;

/** Reads what a service has counted, and how it is now. */
export async function collectService(sources: ServiceSources): Promise<Reading> {
  // A store that fails or is too late says nothing: its values are absent, which the other metrics explain.
  const status = await withTimeout(
    STATUS_TIMEOUT_MS,
    sources.storeStatus().catch(() => undefined),
  );
  const connections = await sources.clientConnections();
  return [
    ...readInvocations(sources),
    ...readRequests(sources.counts),
    series("membrane_client_connections", connections),
    ...readPools(sources.pools()),
    ...readCache(sources),
    ...readRevocations(sources),
    ...(status === undefined ? [] : readStoreStatus(status)),
    series("membrane_ready", sources.isReady() ? 1 : 0),
  ];
}

function readInvocations({ meter, counts, invocationsInFlight }: ServiceSources): Series[] {
  const invocations = (outcome: string, count: number, reason = ""): Series =>
    series("membrane_invocations_total", count, outcome, reason);
  const byReason = (outcome: string, all: Iterable<readonly [string, number]>): Series[] =>
    Array.from(all, ([reason, count]) => invocations(outcome, count, reason));
  return [
    invocations("completed", counts.completed),
    invocations("client_disconnected", counts.clientDisconnected),
    ...byReason("refused", counts.refused.entries()),
    ...byReason("failed", counts.failed.entries()),
    ...byReason("aborted", counts.aborted.entries()),
    ...counts.classes.flatMap((count, first) =>
      first === 0 ? [] : [series("membrane_target_responses_total", count, `${first}xx`)],
    ),
    series("membrane_invocations_in_flight", invocationsInFlight()),
    histogramSeries("membrane_gateway_duration_seconds", meter.durations.gateway),
    histogramSeries("membrane_target_duration_seconds", meter.durations.target),
    series("membrane_forwarded_bytes_total", meter.clientBytes, "to_target"),
    series("membrane_forwarded_bytes_total", meter.targetBytes, "to_client"),
    series("membrane_open_streams", meter.openResponses, "response"),
    series("membrane_open_streams", meter.openWebSockets, "websocket"),
  ];
}

function readRequests({ operations, unidentified, limits }: RequestCounts): Series[] {
  return [
    ...Object.entries(operations).flatMap(([name, counts]) => readOperation(toKebabCase(name), counts)),
    ...Array.from(unidentified.entries(), ([reason, count]) =>
      series("membrane_unidentified_requests_total", count, reason),
    ),
    ...Array.from(limits.entries(), ([limit, count]) =>
      series("membrane_limit_refusals_total", count, toKebabCase(limit)),
    ),
  ];
}

function readOperation(operation: string, { done, refused, faults }: OperationCounts): Series[] {
  const requests = (outcome: string, count: number, reason = ""): Series =>
    series("membrane_management_requests_total", count, operation, outcome, reason);
  return [
    requests("done", done),
    requests("failed", faults, "internal_error"),
    ...Array.from(refused.entries(), ([reason, count]) => requests("refused", count, reason)),
  ];
}

function readPools({ pools, bytes, connections, opened, failed }: PoolUsage): Series[] {
  return [
    series("membrane_target_connections", connections),
    series("membrane_target_connects_total", opened, "opened"),
    series("membrane_target_connects_total", failed, "failed"),
    series("membrane_target_pools", pools),
    series("membrane_target_pool_bytes", bytes),
  ];
}

function readCache({ cache, lookups }: ServiceSources): Series[] {
  const { entries, bytes } = cache();
  return [
    series("membrane_cache_entries", entries),
    series("membrane_cache_bytes", bytes),
    series("membrane_cache_lookups_total", lookups.hits, "hit"),
    series("membrane_cache_lookups_total", lookups.misses, "miss"),
  ];
}

function readRevocations({ applied, logEnd, leaseAgeMs }: ServiceSources): Series[] {
  const { sequence } = applied();
  const end = logEnd();
  const age = leaseAgeMs();
  return [
    series("membrane_revocation_log_position", Number(end?.sequence ?? sequence)),
    // A log that was restored may be shorter.
    ...(end === undefined
      ? []
      : [series("membrane_revocation_log_lag_entries", Math.max(0, Number(end.sequence - sequence)))]),
    ...(age === undefined ? [] : [series("membrane_lease_age_seconds", age / MS_PER_SECOND)]),
  ];
}

function readStoreStatus({ sweepBacklog, sizeBytes, roomBytes }: StoreStatus): Series[] {
  return [
    series("membrane_sweep_backlog_entries", sweepBacklog),
    series("membrane_store_size_bytes", sizeBytes),
    ...(roomBytes === undefined ? [] : [series("membrane_store_room_bytes", roomBytes)]),
  ];
}
