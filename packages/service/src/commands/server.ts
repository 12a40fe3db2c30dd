import { networkInterfaces } from "node:os";
import type { EventLog } from "../telemetry/events.ts";
import type { ServeConfig } from "../config.ts";
import { createHostsReader } from "../egress/hosts-file.ts";
import { createResolver } from "../egress/resolver.ts";
import { startService } from "../service/start.ts";
import { createCertificateSource } from "../tls/certificate-source.ts";
import type { CertificateAndKey } from "../tls/x509.ts";
import { mergeReadings } from "../telemetry/metrics/merge.ts";
import type { Reading, Series } from "../telemetry/metrics/reading.ts";
import { series } from "../telemetry/metrics/reading.ts";
import type { ProcessMeter } from "./metrics/process-meter.ts";
import type { ProcessAudit } from "./process-audit.ts";
import type { Traces, TracesContext } from "./traces/start-traces.ts";
import { startWorkerPool } from "./worker-pool.ts";
import type { DataDirectory } from "./data-directory.ts";
import { watchCertificate } from "./certificate-watcher.ts";
import type { ConfiguredFiles } from "./configured-files.ts";
import { explainListenError } from "./listen-error.ts";
import { watchLease } from "./lease-watch.ts";
import { ensureManagedCertificate, logCertificateErrors } from "./managed-certificate.ts";

const HOSTS_FILE = "/etc/hosts";

/** What serving needs of its process. */
export interface ServerContext {
  readonly log: EventLog;
  /** Lines of the log that could not be written. */
  readonly lostLogLines: () => number;
  /** Of the service. */
  readonly version: string;
  /** Collects young garbage. */
  readonly collectYoung: () => void;
}

/** The audit trail of this process, if there is one. */
interface Audited {
  readonly audit: ProcessAudit | undefined;
}

export interface MeteredContext extends ServerContext, Audited {
  readonly meter: ProcessMeter;
}

/** The service, in one process or in several. */
export interface RunningServer {
  readonly address: { readonly address: string; readonly port: number };
  readonly isSecure: boolean;
  /** What all processes of the service have counted. */
  readMetrics(): Promise<Reading>;
  /** Whether requests can be served. */
  isReady(): Promise<boolean>;
  /** Renews the certificate if it is the service's own and due. Never rejects. */
  renew(): Promise<void>;
  /** Reads the certificate again at the operator's request, and logs the result. Never rejects. */
  reload(): Promise<void>;
  /** Opens the file of the audit trail again, in all processes. */
  reopenAudit(): void;
  /** Rejects when the store refuses this process while it serves: it must end. */
  readonly refused: Promise<never>;
  close(): Promise<void>;
}

/** A server whose certificate can be replaced. */
export interface CertificateUpdatableServer extends RunningServer {
  setCertificate(certificate: CertificateAndKey): void;
}

/** The files of a process that serves. */
interface ServerFiles extends Pick<ConfiguredFiles, "authorityCas"> {
  /** Absent: the service's own certificate, or no TLS. */
  readonly certificate: CertificateAndKey | undefined;
}

/** Starts to serve: in this process, or in workers that this process starts and replaces. */
export async function startServer(
  config: ServeConfig,
  data: DataDirectory,
  files: ConfiguredFiles,
  context: MeteredContext,
): Promise<RunningServer> {
  const server = await (config.workers === 1
    ? startInProcess(config, data, files, context)
    : startWorkers(config, files, context));
  const { tls } = config;
  if (tls.kind !== "files" || files.certificate === undefined) return server;
  const watcher = watchCertificate(
    createCertificateSource(tls, files.certificate, server.setCertificate),
    context.log,
  );
  return {
    ...server,
    reload: watcher.reload,
    async close() {
      watcher.stop();
      await server.close();
    },
  };
}

async function startWorkers(
  config: ServeConfig,
  { certificate: given }: ConfiguredFiles,
  { log, meter, audit }: MeteredContext,
): Promise<CertificateUpdatableServer> {
  const pool = await startWorkerPool(config.workers, config.limits.shutdownTimeoutMs, log, given);
  return {
    address: pool.address,
    isSecure: config.tls.kind !== "none",
    setCertificate: pool.setCertificate,
    async readMetrics() {
      const { readings, responding } = await pool.readMetrics();
      const merged = mergeReadings([...readings, meter.readProcess()]);
      return [
        ...merged,
        // If no worker serves, none says that it is not ready.
        ...(merged.some(({ name }) => name === "membrane_ready") ? [] : [series("membrane_ready", 0)]),
        series("membrane_workers", config.workers),
        series("membrane_workers_responding", responding),
      ];
    },
    // Connections are handed to all workers, so that all must be ready.
    async isReady() {
      const { readings, responding } = await pool.readMetrics();
      return responding > 0 && mergeReadings(readings).some(isReadySeries);
    },
    renew: () =>
      logCertificateErrors(log, async () => {
        const certificate = await ensureManagedCertificate(config, log);
        if (certificate?.renewed === true) pool.reload();
      }),
    reload: () =>
      logCertificateErrors(log, async () => {
        await ensureManagedCertificate(config, log);
        pool.reload();
      }),
    reopenAudit() {
      audit?.reopen();
      pool.reopenAudit();
    },
    refused: pool.refused,
    close: pool.stop,
  };
}

/** Starts to serve in this process. */
export async function startInProcess(
  config: ServeConfig,
  data: DataDirectory,
  { authorityCas, certificate: given }: ServerFiles,
  { log, version, collectYoung, meter, audit }: MeteredContext,
): Promise<CertificateUpdatableServer> {
  const certificate = given ?? (await ensureManagedCertificate(config, log));
  const traces = await startConfiguredTraces(config, { log, version });
  const service = await startService({
    config,
    store: data.store,
    keys: data.keys,
    authorityCas,
    ...(certificate === undefined ? {} : { tls: certificate }),
    log,
    lookup: createResolver({ hosts: createHostsReader(HOSTS_FILE) }),
    localAddresses: () =>
      Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)),
    now: () => new Date(),
    storeState: meter.storeHealth.state,
    audit,
    collectYoung,
    ...(traces === undefined ? {} : { tracer: traces.tracer }),
  }).catch((error: unknown) => {
    throw explainListenError("--listen", config.listen, error);
  });
  if (audit !== undefined) meter.setAudit(audit);
  const lease = config.postgres && watchLease(data.store, log, () => performance.now());
  if (certificate !== undefined) meter.setCertificate(certificate.cert);
  const setCertificate = (next: CertificateAndKey): void => {
    service.setCertificate(next);
    meter.setCertificate(next.cert);
  };
  let current = certificate?.cert;
  /** Presents the service's own certificate if this or another process has renewed it. */
  const refreshManaged = async (): Promise<
    { readonly isNew: boolean; readonly expires: Date } | undefined
  > => {
    const found = await ensureManagedCertificate(config, log);
    if (found === undefined) return undefined;
    const { cert, expires } = found;
    if (cert === current) return { isNew: false, expires };
    current = cert;
    setCertificate(found);
    log.certificateRenewed({ expires });
    return { isNew: true, expires };
  };
  return {
    address: { address: service.address.address, port: service.address.port },
    isSecure: certificate !== undefined,
    setCertificate,
    readMetrics: async () => [
      ...(await service.readMetrics()),
      ...meter.readServing(),
      ...(traces?.readMetrics() ?? []),
      ...meter.readProcess(),
      series("membrane_workers", 1),
      series("membrane_workers_responding", 1),
    ],
    isReady: () => Promise.resolve(service.isReady()),
    renew: () => logCertificateErrors(log, async () => void (await refreshManaged())),
    reload: () =>
      logCertificateErrors(log, async () => {
        const found = await refreshManaged();
        if (found?.isNew === false) log.certificateUnchanged({ expires: found.expires });
      }),
    reopenAudit: () => audit?.reopen(),
    refused: lease?.refused ?? new Promise(() => undefined),
    async close() {
      await service.close();
      lease?.stop();
      await traces?.close();
    },
  };
}

/** The code of traces is loaded only if they are asked for. */
async function startConfiguredTraces(
  config: ServeConfig,
  context: TracesContext,
): Promise<Traces | undefined> {
  if (config.traces === undefined) return undefined;
  const { startTraces } = await import("./traces/start-traces.ts");
  return startTraces(config.traces, config, context);
}

function isReadySeries({ name, value }: Series): boolean {
  return name === "membrane_ready" && value === 1;
}
