import type { AuditLog } from "../audit/log.ts";
import type { ServeConfig } from "../config.ts";
import type { KeyedCertificate } from "../tls/x509.ts";
import { openData } from "./data.ts";
import { readAuthorityCas } from "./given-files.ts";
import { startInProcess } from "./serving.ts";
import type { FromWorker } from "./worker-messages.ts";

/** What a worker needs of its process and of the first process, which started it. */
export interface WorkerMachine {
  readonly log: AuditLog;
  /** Resolves when it is time to end. */
  readonly stop: Promise<unknown>;
  /** Calls the listener whenever the certificate has to be read again. */
  readonly onReload: (listener: () => void) => void;
  /** Collects young garbage. */
  readonly collectYoung: () => void;
  /** Sends a message to the first process. */
  readonly tell: (message: FromWorker) => void;
  /** Calls the listener with each certificate that the first process sends: the current one first, if there is one. */
  readonly onCertificate: (listener: (certificate: KeyedCertificate) => void) => void;
}

/** Runs one of several workers until `stop` resolves: serves, and makes nothing that is made once. */
export async function serveAsWorker(config: ServeConfig, machine: WorkerMachine): Promise<void> {
  const data = await openData(config, machine.log.store);
  try {
    const authorityCas = await readAuthorityCas(config.authorityCaFiles);
    const sent = config.tls.kind === "files" ? receiveCertificates(machine) : undefined;
    const serving = await startInProcess(
      config,
      data,
      { authorityCas, certificate: await sent?.first },
      machine,
    );
    sent?.follow(serving.present);
    machine.tell({ kind: "listening", ...serving.address });
    machine.onReload(() => void serving.reload());
    await machine.stop;
    await serving.close();
  } finally {
    await data.store.close();
  }
}

/** Receives the certificates that the first process sends. None is lost while the service starts. */
function receiveCertificates({ onCertificate }: Pick<WorkerMachine, "onCertificate">): {
  readonly first: Promise<KeyedCertificate>;
  readonly follow: (present: (certificate: KeyedCertificate) => void) => void;
} {
  let latest: KeyedCertificate | undefined;
  let listener: ((certificate: KeyedCertificate) => void) | undefined;
  const first = new Promise<KeyedCertificate>((resolve) => {
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
