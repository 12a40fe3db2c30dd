import { Writable } from "node:stream";
import { parseAuthority } from "capability-protocol";
import type { Authority } from "capability-protocol";
import { createEventLog } from "../../service/src/telemetry/events.ts";
import { createLogger } from "../../service/src/telemetry/logger.ts";
import { openDataDirectory } from "../../service/src/commands/data-directory.ts";
import type { DataDirectory } from "../../service/src/commands/data-directory.ts";
import type { OpenEngine } from "../../service/src/commands/directory-place.ts";
import { parseCidr } from "../../service/src/net/address.ts";
import { createHostsReader } from "../../service/src/egress/hosts-file.ts";
import { createResolver } from "../../service/src/egress/resolver.ts";
import type { EgressRules } from "../../service/src/egress/policy.ts";
import { parseAllowTarget } from "../../service/src/egress/allow-rule.ts";
import type { NameLookup } from "../../service/src/egress/resolve-host.ts";
import type { CreateConnection } from "../../service/src/egress/pooled-connection.ts";
import type { ListenHttp } from "../../service/src/http1/listener.ts";
import type { ServiceLimits } from "../../service/src/service-limits.ts";
import { DEFAULT_LIMITS } from "../../service/src/service-limits.ts";
import type { FirstCapabilities } from "../../service/src/management/tenants.ts";
import { createFirstTenant } from "../../service/src/management/tenants.ts";
import type { RunningService } from "../../service/src/service/start.ts";
import { startService } from "../../service/src/service/start.ts";
import { watchStoreHealth } from "../../service/src/service/store-health.ts";
import type { Traces } from "../../service/src/commands/traces/start-traces.ts";
import { asOperator } from "../../service/src/commands/operator.ts";
import type { OperatorContext } from "../../service/src/management/tenants.ts";
import { tokenOf } from "./client.ts";
import type { AuditConfig } from "../../service/src/config.ts";
import { openConfiguredAudit } from "../../service/src/commands/process-audit.ts";
import type { EngineName } from "./engines.ts";
import { engineOfRun, ENGINES } from "./engines.ts";
import { keepsHeadsInRun, upstreamClientOfRun } from "./upstream-client.ts";
import { httpServerOfRun } from "./http-server.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export interface TestServiceOptions {
  /** A data directory to use and not to remove. */
  readonly directory?: string;
  readonly authority?: string;
  readonly aliases?: readonly string[];
  /** For an authority with this port. Default: any port that is free. */
  readonly port?: number;
  /** Where targets may be, as in `--allow-target`; default: all of 127.0.0.0/8. */
  readonly egress?: Omit<Partial<EgressRules>, "allow"> & { readonly allow?: readonly string[] };
  /** CIDRs. Default: none. */
  readonly trustedProxies?: readonly string[];
  readonly authorityCas?: ReadonlyMap<Authority, string>;
  readonly limits?: Partial<ServiceLimits>;
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Default: the name lookup of the built program. */
  readonly lookup?: NameLookup;
  readonly now?: () => Date;
  /** Default: the server of the run. */
  readonly listenHttp?: ListenHttp;
  /** Default: the client of the run. */
  readonly createConnection?: CreateConnection;
  /** Clock of durations, in milliseconds. */
  readonly monotonic?: () => number;
  /** Which requests are recorded. They are closed with the service. Default: none. */
  readonly traces?: Traces;
  /** An audit trail. Default: none. */
  readonly audit?: AuditConfig;
  /** Default: the engine of the run. */
  readonly engine?: EngineName | OpenEngine;
}

/** A service in this process: real HTTP on loopback, a real store in a separate directory. */
export interface TestService extends AsyncDisposable {
  /** Its address: `http://127.0.0.1:PORT` (or https). */
  readonly url: string;
  readonly port: number;
  readonly authority: Authority;
  readonly directory: string;
  readonly data: DataDirectory;
  /** Tokens of the first tenant and of the operator, if this start made them. */
  readonly tokens: {
    readonly create: string;
    readonly query: string;
    readonly deleteSelf: string;
    readonly provision: string;
  };
  /** Everything logged so far, at level debug. */
  readonly logged: () => string;
  /** As after SIGHUP. */
  readonly reopenAudit: () => void;
  readonly setCertificate: RunningService["setCertificate"];
  close(): Promise<void>;
}

/** A limit that is never reached: tests use revoked capabilities many times from one address. */
export const UNLIMITED = 1_000_000_000;

/**
 * Limits of a test on the real disk that is not about how long a write takes: all writers of all tests wait for one disk, on a busy machine
 * longer than the default.
 */
export const PATIENT = { storeWriteTimeoutMs: 60_000 };

export const TEST_AUTHORITY = "membrane.test";

export async function startTestService(options: TestServiceOptions = {}): Promise<TestService> {
  const temporary = options.directory === undefined ? await temporaryDirectory() : undefined;
  const directory = options.directory ?? temporary!.path;
  const authority = authorityOf(options.authority ?? TEST_AUTHORITY);
  const limits = { ...DEFAULT_LIMITS, maxAuthFailuresPerMinute: UNLIMITED, ...options.limits };
  const now = options.now ?? (() => new Date());
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString("utf8"));
      done();
    },
  });
  const { log, state: storeState } = watchStoreHealth(createEventLog(createLogger("debug", sink)));
  const data = await openDataDirectory(
    { data: directory, authority, limits },
    {
      serves: true,
      log,
      openDirectory: engineOf(options.engine ?? engineOfRun()),
      now: () => now().getTime(),
    },
  );
  const { audit: auditConfig } = options;
  const audit = await openConfiguredAudit(auditConfig === undefined ? {} : { audit: auditConfig }, data, log);
  const allow = options.egress?.allow ?? ["127.0.0.0/8"];
  const service = await startService({
    config: {
      authority,
      aliases: (options.aliases ?? []).map(authorityOf),
      listen: { host: "127.0.0.1", port: options.port ?? 0 },
      trustedProxies: (options.trustedProxies ?? []).map((text) => parseCidr(text)!),
      egress: { ...options.egress, allow: allow.map((text) => parseAllowTarget(text)!) },
      limits,
      upstreamClient: upstreamClientOfRun(),
      httpServer: httpServerOfRun(),
      keepsHeads: keepsHeadsInRun(),
      ...(auditConfig === undefined ? {} : { audit: auditConfig }),
    },
    audit,
    store: data.store,
    keys: data.keys,
    authorityCas: options.authorityCas ?? new Map(),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    lookup: options.lookup ?? createResolver({ hosts: createHostsReader("/etc/hosts") }),
    log,
    storeState,
    localAddresses: () => ["127.0.0.1", "::1"],
    now,
    ...(options.listenHttp === undefined ? {} : { listenHttp: options.listenHttp }),
    ...(options.createConnection === undefined ? {} : { createConnection: options.createConnection }),
    ...(options.monotonic === undefined ? {} : { monotonic: options.monotonic }),
    ...(options.traces === undefined ? {} : { tracer: options.traces.tracer }),
  });
  const first = await createFirstTenant(asTestOperator({ ...data, audit }));
  let isClosed = false;
  const close = async (): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    await service.close();
    await options.traces?.close();
    await audit?.close();
    await data.store.close();
    await temporary?.[Symbol.asyncDispose]();
  };
  return {
    url: `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${service.address.port}`,
    port: service.address.port,
    authority,
    directory,
    data: { ...data, audit },
    reopenAudit: () => audit?.reopen(),
    tokens: tokensOf(first),
    logged: () => lines.join(""),
    setCertificate: service.setCertificate,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Returns the context to change a store like a command of the operator, without a log. */
export function asTestOperator(data: DataDirectory): OperatorContext {
  return asOperator(data, "test", () => undefined);
}

function tokensOf(first: FirstCapabilities | undefined): TestService["tokens"] {
  if (first === undefined) return { create: "", query: "", deleteSelf: "", provision: "" };
  const { create, query, deleteSelf } = first.capabilities;
  return {
    create: tokenOf(create),
    query: tokenOf(query),
    deleteSelf: tokenOf(deleteSelf),
    provision: tokenOf(first.operator.provision),
  };
}

function engineOf(engine: EngineName | OpenEngine): OpenEngine {
  return typeof engine === "string" ? ENGINES[engine] : engine;
}

function authorityOf(text: string): Authority {
  return parseAuthority(text)!;
}
