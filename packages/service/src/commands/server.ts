import { networkInterfaces } from "node:os";
import type { EventLog } from "../telemetry/events.ts";
import type { ServeConfig } from "../config.ts";
import { createHostsReader } from "../egress/hosts-file.ts";
import { createResolver } from "../egress/resolver.ts";
import { startService } from "../service/start.ts";
import { createCertificateSource } from "../tls/certificate-source.ts";
import type { CertificateAndKey } from "../tls/x509.ts";
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
  /** Collects young garbage. */
  readonly collectYoung: () => void;
}

/** The service, in one process or in several. */
export interface RunningServer {
  readonly address: { readonly address: string; readonly port: number };
  readonly isSecure: boolean;
  /** Renews the certificate if it is the service's own and due. Never rejects. */
  renew(): Promise<void>;
  /** Reads the certificate again at the operator's request, and logs the result. Never rejects. */
  reload(): Promise<void>;
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
  context: ServerContext,
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
  { log }: ServerContext,
): Promise<CertificateUpdatableServer> {
  const pool = await startWorkerPool(config.workers, config.limits.shutdownTimeoutMs, log, given);
  return {
    address: pool.address,
    isSecure: config.tls.kind !== "none",
    setCertificate: pool.setCertificate,
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
    refused: pool.refused,
    close: pool.stop,
  };
}

/** Starts to serve in this process. */
export async function startInProcess(
  config: ServeConfig,
  data: DataDirectory,
  { authorityCas, certificate: given }: ServerFiles,
  { log, collectYoung }: ServerContext,
): Promise<CertificateUpdatableServer> {
  const certificate = given ?? (await ensureManagedCertificate(config, log));
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
    collectYoung,
  }).catch((error: unknown) => {
    throw explainListenError(config, error);
  });
  const lease = config.postgres && watchLease(data.store, log, () => performance.now());
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
    service.setCertificate(found);
    log.certificateRenewed({ expires });
    return { isNew: true, expires };
  };
  return {
    address: { address: service.address.address, port: service.address.port },
    isSecure: certificate !== undefined,
    setCertificate: service.setCertificate,
    renew: () => logCertificateErrors(log, async () => void (await refreshManaged())),
    reload: () =>
      logCertificateErrors(log, async () => {
        const found = await refreshManaged();
        if (found?.isNew === false) log.certificateUnchanged({ expires: found.expires });
      }),
    refused: lease?.refused ?? new Promise(() => undefined),
    async close() {
      await service.close();
      lease?.stop();
    },
  };
}
