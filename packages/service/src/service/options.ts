import type { Authority } from "capability-protocol";
import type { OpenAudit } from "../audit/open-audit.ts";
import type { EgressRules } from "../egress/policy.ts";
import type { CreateConnection } from "../egress/pooled-connection.ts";
import type { NameLookup } from "../egress/resolve-host.ts";
import type { ListenHttp } from "../http1/listener.ts";
import type { ServiceLimits } from "../service-limits.ts";
import type { Cidr } from "../net/address.ts";
import type { ServiceKeys } from "../store/keys.ts";
import type { Store, StoreCondition } from "../store/store.ts";
import type { EventLog } from "../telemetry/events.ts";
import type { Tracer } from "../tracing/tracer.ts";

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** The HTTP/1.1 client for targets: the service's own, or undici's. */
export type UpstreamClient = "native" | "undici";
/** What reads requests: the service's own lane before Node's server, or that server alone. */
export type HttpServer = "native" | "node";

/** What the operator decides about a service. */
export interface ServiceConfig {
  readonly authority: Authority;
  /** Further names of the service. */
  readonly aliases: readonly Authority[];
  readonly listen: ListenAddress;
  /** Proxies whose `X-Forwarded-For` and `X-Request-Id` are trusted. */
  readonly trustedProxies: readonly Cidr[];
  readonly egress: EgressRules;
  /** Where metrics are read, by this process or the one that started it. Absent: nowhere. */
  readonly metricsListen?: ListenAddress;
  readonly limits: ServiceLimits;
  readonly upstreamClient: UpstreamClient;
  readonly httpServer: HttpServer;
  /** What was made of a head is used again while its connection repeats it. */
  readonly keepsHeads: boolean;
  /** What the audit trail records; absent: there is none. */
  readonly audit?: AuditRules;
}

/** What the operator decides about the audit trail. */
export interface AuditRules {
  /** Nothing is done that cannot be recorded, but revokes. */
  readonly isRequired: boolean;
  /** The share of invocations that are recorded, from 0 to 1. */
  readonly invocationShare: number;
}

/** Everything that a service is started with. */
export interface ServiceOptions {
  readonly config: ServiceConfig;
  readonly store: Store;
  readonly keys: ServiceKeys;
  /** CA certificates, PEM, of other authorities that have a private one. */
  readonly authorityCas: ReadonlyMap<Authority, string>;
  /** Accepts connections and reads requests. Default: the server that the configuration names. */
  readonly listenHttp?: ListenHttp;
  /** Makes the HTTP/1.1 client of each connection to a target. Default: the one that the configuration names. */
  readonly createConnection?: CreateConnection;
  /** Absent: plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly log: EventLog;
  /** Addresses of this machine's interfaces. */
  readonly localAddresses: () => readonly string[];
  /** The time of day, for signatures and expiry. */
  readonly now: () => Date;
  /** A clock that cannot be set, in milliseconds, for durations. Default: that of the process. */
  readonly monotonic?: () => number;
  /** Collects young garbage. Default: does nothing, and V8 lets 64 MB of dead buffers accumulate. */
  readonly collectYoung?: () => void;
  /** The audit trail of this process; given if the configuration has one. */
  readonly audit?: OpenAudit | undefined;
  /** Whether the store could be written to last. Default: it could. */
  readonly storeState?: () => StoreCondition["state"];
  /** Decides which requests are recorded. Default: none is. */
  readonly tracer?: Tracer;
  /** Resolves the names of targets. */
  readonly lookup: NameLookup;
}
