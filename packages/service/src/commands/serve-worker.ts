import type { Reading } from "../telemetry/metrics/reading.ts";
import type { ServeConfig } from "../config.ts";
import type { CertificateAndKey } from "../tls/x509.ts";
import { openDataDirectory } from "./data-directory.ts";
import { readAuthorityCas } from "./configured-files.ts";
import type { ProcessAudit } from "./process-audit.ts";
import { openConfiguredAudit } from "./process-audit.ts";
import { startProcessMeter } from "./metrics/process-meter.ts";
import type { ServerContext } from "./server.ts";
import { startInProcess } from "./server.ts";
import type { WorkerMessage } from "./worker-messages.ts";

/** What a worker needs of its process and of the first process, which started it. */
export interface WorkerProcess extends ServerContext {
  /** Resolves when it is time to end. */
  readonly stop: Promise<unknown>;
  /** Calls the listener whenever the certificate has to be read again. */
  readonly onReload: (listener: () => void) => void;
  /** Calls the listener whenever the file of the audit trail has to be opened again. */
  readonly onReopenAudit: (listener: () => void) => void;
  /** Sends a message to the first process. */
  readonly send: (message: WorkerMessage) => void;
  /** Calls `read` whenever the first process asks what this one has counted. */
  readonly onReadMetrics: (read: () => Promise<Reading>) => void;
  /** Calls the listener with each certificate that the first process sends: the current one first, if there is one. */
  readonly onCertificate: (listener: (certificate: CertificateAndKey) => void) => void;
}

/** Runs one of several workers until `stop` resolves. What is made once is left to the first process. */
export async function serveAsWorker(config: ServeConfig, worker: WorkerProcess): Promise<void> {
  const meter = startProcessMeter({ ...worker, measuresEventLoop: config.metricsListen !== undefined });
  const data = await openDataDirectory(config, {
    serves: true,
    log: meter.storeHealth.log,
    durations: meter.storeDurations,
  });
  let audit: ProcessAudit | undefined;
  try {
    audit = await openConfiguredAudit(config, data, worker.log);
    const authorityCas = await readAuthorityCas(config.authorityCaFiles);
    const sent = config.tls.kind === "files" ? receiveCertificates(worker) : undefined;
    const server = await startInProcess(
      config,
      data,
      { authorityCas, certificate: await sent?.first },
      { ...worker, meter, audit },
    );
    worker.onReadMetrics(server.readMetrics);
    sent?.follow(server.setCertificate);
    worker.send({ kind: "listening", ...server.address });
    worker.onReload(() => void server.reload());
    worker.onReopenAudit(server.reopenAudit);
    try {
      await Promise.race([worker.stop, server.refused]);
    } finally {
      await server.close();
    }
  } finally {
    meter.stop();
    await audit?.close();
    await data.store.close();
  }
}

/** Receives the certificates that the first process sends. None is lost while the service starts. */
function receiveCertificates({ onCertificate }: Pick<WorkerProcess, "onCertificate">): {
  readonly first: Promise<CertificateAndKey>;
  readonly follow: (present: (certificate: CertificateAndKey) => void) => void;
} {
  let latest: CertificateAndKey | undefined;
  let listener: ((certificate: CertificateAndKey) => void) | undefined;
  const first = new Promise<CertificateAndKey>((resolve) => {
    onCertificate((certificate) => {
      latest = certificate;
      resolve(certificate);
      listener?.(certificate);
    });
  });
  return {
    first,
    follow(present) {
      listener = present;
      if (latest !== undefined) present(latest);
    },
  };
}
