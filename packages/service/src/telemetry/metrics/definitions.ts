import { exponentialBounds } from "../../collections/histogram.ts";

/** How the values of several processes become one. */
export type Merge = "sum" | "max" | "min";

/** All that is known of a metric before it is measured. */
export interface MetricDefinition {
  readonly type: "counter" | "gauge" | "histogram";
  /** In one sentence, for the exposition and for docs/monitoring.md. */
  readonly help: string;
  readonly labels?: readonly string[];
  /** Default: the sum. */
  readonly merge?: Merge;
  /** Upper bounds of the buckets, in seconds: of a histogram only. */
  readonly bounds?: Float64Array;
  /** When it is there, if it is not always. */
  readonly only?: string;
}

/** From 10 microseconds to 10 seconds: what a process of the service takes, or its store. */
export const SHORT_BOUNDS: Float64Array = exponentialBounds(-5, 1);

/** From 100 microseconds to 1,000 seconds: what a target takes. */
export const LONG_BOUNDS: Float64Array = exponentialBounds(-4, 3);

/** The names of all metrics, in the order of the exposition and of docs/monitoring.md. */
export const METRIC_NAMES = [
  "membrane_invocations_total",
  "membrane_invocations_in_flight",
  "membrane_target_responses_total",
  "membrane_gateway_duration_seconds",
  "membrane_target_duration_seconds",
  "membrane_forwarded_bytes_total",
  "membrane_open_streams",
  "membrane_management_requests_total",
  "membrane_unidentified_requests_total",
  "membrane_limit_refusals_total",
  "membrane_client_connections",
  "membrane_target_connections",
  "membrane_target_connects_total",
  "membrane_target_pools",
  "membrane_target_pool_bytes",
  "membrane_cache_entries",
  "membrane_cache_bytes",
  "membrane_cache_lookups_total",
  "membrane_store_duration_seconds",
  "membrane_store_state",
  "membrane_store_size_bytes",
  "membrane_store_room_bytes",
  "membrane_sweep_backlog_entries",
  "membrane_revocation_log_position",
  "membrane_revocation_log_lag_entries",
  "membrane_lease_age_seconds",
  "membrane_audit_lag_seconds",
  "membrane_audit_lines_lost_total",
  "membrane_log_lines_lost_total",
  "membrane_spans_total",
  "membrane_span_queue_bytes",
  "membrane_unrecorded_requests_total",
  "membrane_certificate_expiry_timestamp_seconds",
  "membrane_event_loop_delay_seconds",
  "membrane_event_loop_active_seconds_total",
  "membrane_cpu_seconds_total",
  "membrane_memory_bytes",
  "membrane_process_start_time_seconds",
  "membrane_ready",
  "membrane_workers",
  "membrane_workers_responding",
  "membrane_build_info",
] as const;

export type MetricName = (typeof METRIC_NAMES)[number];

/**
 * Every metric. The exposition, the merging of workers, the table in docs/monitoring.md and the tests of the dashboard and of the
 * alerts are made from it. No label has a name, a fingerprint or an address that a tenant or a client chooses.
 */
export const METRICS: Readonly<Record<MetricName, MetricDefinition>> = {
  membrane_invocations_total: {
    type: "counter",
    labels: ["outcome", "reason"],
    help: "Invocations that have ended: completed, refused, failed (by the target), aborted or client_disconnected, and why",
  },
  membrane_invocations_in_flight: { type: "gauge", help: "Invocations in flight, WebSockets included" },
  membrane_target_responses_total: {
    type: "counter",
    labels: ["class"],
    help: "Responses of targets that were passed on whole, by the class of their status, WebSockets as 1xx",
  },
  membrane_gateway_duration_seconds: {
    type: "histogram",
    bounds: SHORT_BOUNDS,
    help: "Time that the service itself took of an invocation, up to the head of the response, without waiting for the client, for a connection or for the target",
  },
  membrane_target_duration_seconds: {
    type: "histogram",
    bounds: LONG_BOUNDS,
    help: "Time until a target has sent the head of its response, the wait for a connection and a body that is streamed to it included",
  },
  membrane_forwarded_bytes_total: {
    type: "counter",
    labels: ["direction"],
    help: "Bytes of bodies and of WebSockets that came from clients (to_target) and from targets (to_client)",
  },
  membrane_open_streams: {
    type: "gauge",
    labels: ["kind"],
    help: "Responses whose head was sent and that have not ended (response), and open WebSockets (websocket)",
  },
  membrane_management_requests_total: {
    type: "counter",
    labels: ["operation", "outcome", "reason"],
    help: "Requests to the service itself that have ended: done, refused or failed, and why",
  },
  membrane_unidentified_requests_total: {
    type: "counter",
    labels: ["reason"],
    help: "Requests that were refused before a capability was recognized, and why",
  },
  membrane_limit_refusals_total: {
    type: "counter",
    labels: ["limit"],
    help: "What was refused or closed because a limit was reached, by the flag that sets it",
  },
  membrane_client_connections: { type: "gauge", help: "Open connections of clients" },
  membrane_target_connections: {
    type: "gauge",
    help: "Connections to targets, those that are being opened included",
  },
  membrane_target_connects_total: {
    type: "counter",
    labels: ["outcome"],
    help: "Attempts to connect to a target: opened or failed",
  },
  membrane_target_pools: { type: "gauge", help: "Pools of connections to targets" },
  membrane_target_pool_bytes: { type: "gauge", help: "Memory that these pools count, in bytes" },
  membrane_cache_entries: { type: "gauge", help: "Resolutions in the cache" },
  membrane_cache_bytes: { type: "gauge", help: "Memory that they count, in bytes" },
  membrane_cache_lookups_total: {
    type: "counter",
    labels: ["result"],
    help: "Lookups of a resolution: hit, or miss, also of each request whose token does not work",
  },
  membrane_store_duration_seconds: {
    type: "histogram",
    labels: ["operation"],
    bounds: SHORT_BOUNDS,
    help: "Time of a read of the store, and of a write until it is on disk, the wait for its turn included",
  },
  membrane_store_state: {
    type: "gauge",
    labels: ["state"],
    merge: "max",
    help: "Whether the store was writable, full or failed at its last write: 1 for that state (with workers, of any of them)",
  },
  membrane_store_size_bytes: {
    type: "gauge",
    merge: "max",
    help: "Size of the store, or of its database, in bytes",
  },
  membrane_store_room_bytes: {
    type: "gauge",
    merge: "min",
    only: "with LMDB only",
    help: "Bytes that may still be written before the store is full",
  },
  membrane_sweep_backlog_entries: {
    type: "gauge",
    merge: "max",
    help: "Revoked records whose dependents wait to be deleted, of PostgreSQL up to 10000",
  },
  membrane_revocation_log_position: {
    type: "gauge",
    merge: "min",
    help: "Position of the revocation log up to which this node knows it: nodes of one database differ for moments only",
  },
  membrane_revocation_log_lag_entries: {
    type: "gauge",
    merge: "max",
    help: "Entries of the log that the process knows and has not applied, which it does at the next request",
  },
  membrane_lease_age_seconds: {
    type: "gauge",
    merge: "max",
    only: "with PostgreSQL only",
    help: "Time since the last renewal of the lease was sent that the database has confirmed",
  },
  membrane_audit_lag_seconds: {
    type: "gauge",
    merge: "max",
    only: "with an audit trail only",
    help: "How long the audit trail has not been written, or not flushed where it is required",
  },
  membrane_audit_lines_lost_total: {
    type: "counter",
    only: "with an audit trail only",
    help: "Lines of the audit trail that could not be written; it has their number in their place",
  },
  membrane_log_lines_lost_total: { type: "counter", help: "Lines of the log that could not be written" },
  membrane_spans_total: {
    type: "counter",
    labels: ["outcome"],
    only: "with --otlp-endpoint only",
    help: "Spans of recorded requests: exported, or dropped, because the queue was full (queue_full), or the collector has refused them (refused) or has not taken them four times (unavailable)",
  },
  membrane_span_queue_bytes: {
    type: "gauge",
    only: "with --otlp-endpoint only",
    help: "Memory of the spans that wait for the collector, in bytes",
  },
  membrane_unrecorded_requests_total: {
    type: "counter",
    only: "with --otlp-endpoint only",
    help: "Requests that were to be recorded and were not, because of --max-traced-requests-per-second",
  },
  membrane_certificate_expiry_timestamp_seconds: {
    type: "gauge",
    merge: "min",
    only: "with TLS only",
    help: "When the certificate that clients get expires, in seconds since 1970",
  },
  membrane_event_loop_delay_seconds: {
    type: "histogram",
    bounds: SHORT_BOUNDS,
    help: "How late timers fire, measured fifty times a second: every request waits as long",
  },
  membrane_event_loop_active_seconds_total: {
    type: "counter",
    help: "Time in which the event loops did not wait: at one second a second a process does nothing else",
  },
  membrane_cpu_seconds_total: { type: "counter", help: "Processor time of all processes of the service" },
  membrane_memory_bytes: {
    type: "gauge",
    labels: ["kind"],
    help: "Memory of all processes: resident, heap_used, heap_total, external (buffers included)",
  },
  membrane_process_start_time_seconds: {
    type: "gauge",
    merge: "min",
    help: "When the service started, in seconds since 1970",
  },
  membrane_ready: {
    type: "gauge",
    merge: "min",
    help: "Whether requests can be served, as /readyz says: 1 or 0",
  },
  membrane_workers: { type: "gauge", help: "Processes that should serve" },
  membrane_workers_responding: {
    type: "gauge",
    help: "Processes that serve and have responded to this scrape",
  },
  membrane_build_info: {
    type: "gauge",
    merge: "max",
    labels: ["version", "node"],
    help: "The version of the service and of Node.js: 1",
  },
};
