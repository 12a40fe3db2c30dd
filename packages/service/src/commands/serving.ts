import { networkInterfaces } from "node:os";
import type { AuditLog } from "../audit/log.ts";
import type { ServeConfig } from "../config.ts";
import { createHostsReader } from "../egress/hosts-file.ts";
import { createNameService } from "../egress/name-service.ts";
import { startService } from "../service.ts";
import { createGivenCertificateSource } from "../tls/given-certificate.ts";
import type { KeyedCertificate } from "../tls/x509.ts";
import { startCrew } from "./crew.ts";
import type { OpenData } from "./data.ts";
import { followCertificate } from "./follow-certificate.ts";
import type { GivenFiles } from "./given-files.ts";
import { explainListening } from "./listening-error.ts";
import { ensureOwnCertificate, logCertificateErrors } from "./own-certificate.ts";

const HOSTS_FILE = "/etc/hosts";

/** What serving needs of its process. */
export interface ServingContext {
  readonly log: AuditLog;
  /** Collects young garbage. */
  readonly collectYoung: () => void;
}

/** The service, in one process or in several. */
export interface Serving {
  readonly address: { readonly address: string; readonly port: number };
  readonly isSecure: boolean;
  /** Renews the certificate if it is the service's own and due. Never rejects. */
  renew(): Promise<void>;
  /** Looks at the certificate for an operator who asked, and says what was found. Never rejects. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

/** A service to which a certificate can be handed. */
export interface Presenting extends Serving {
  present(certificate: KeyedCertificate): void;
}

/** What a process that serves is given. */
interface LocalFiles extends Pick<GivenFiles, "authorityCas"> {
  /** Absent: the service's own certificate, or no TLS. */
  readonly certificate: KeyedCertificate | undefined;
}

/** Starts to serve: in this process, or in workers that this process starts and replaces. */
export async function startServing(
  config: ServeConfig,
  data: OpenData,
  files: GivenFiles,
  context: ServingContext,
): Promise<Serving> {
  const serving = await (config.workers === 1
    ? startInProcess(config, data, files, context)
    : startWorkers(config, files, context));
  const { tls } = config;
  if (tls.kind !== "files" || files.certificate === undefined) return serving;
  const follower = followCertificate(
    createGivenCertificateSource(tls, files.certificate, serving.present),
    context.log,
  );
  return {
    ...serving,
    reload: follower.reload,
    async close() {
      follower.stop();
      await serving.close();
    },
  };
}

async function startWorkers(
  config: ServeConfig,
  { certificate: given }: GivenFiles,
  { log }: ServingContext,
): Promise<Presenting> {
  const crew = await startCrew(config.workers, config.limits.shutdownMs, log, given);
  return {
    address: crew.address,
    isSecure: config.tls.kind !== "none",
    present: crew.present,
    renew: () =>
      logCertificateErrors(log, async () => {
        const certificate = await ensureOwnCertificate(config, log);
        if (certificate?.renewed === true) crew.reload();
      }),
    reload: () =>
      logCertificateErrors(log, async () => {
        await ensureOwnCertificate(config, log);
        crew.reload();
      }),
    close: crew.stop,
  };
}

/** Starts to serve in this process. */
export async function startInProcess(
  config: ServeConfig,
  data: OpenData,
  { authorityCas, certificate: given }: LocalFiles,
  { log, collectYoung }: ServingContext,
): Promise<Presenting> {
  const certificate = given ?? (await ensureOwnCertificate(config, log));
  const service = await startService({
    store: data.store,
    keys: data.keys,
    authority: config.authority,
    aliases: config.aliases,
    authorityCas,
    allowTargets: config.allowTargets,
    forbidHttpTargets: config.forbidHttpTargets,
    forbidUnverifiedTargets: config.forbidUnverifiedTargets,
    trustedProxies: config.trustedProxies,
    listen: config.listen,
    ...(certificate === undefined ? {} : { tls: certificate }),
    limits: config.limits,
    log,
    lookup: createNameService({ hosts: createHostsReader(HOSTS_FILE) }),
    localAddresses: () =>
      Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)),
    now: () => new Date(),
    collectYoung,
  }).catch((error: unknown) => {
    throw explainListening(config, error);
  });
  let presented = certificate?.cert;
  /** Presents the own certificate if it was renewed, here or by another process. */
  const presentOwn = async (): Promise<{ readonly isNew: boolean; readonly expires: Date } | undefined> => {
    const found = await ensureOwnCertificate(config, log);
    if (found === undefined) return undefined;
    const { cert, expires } = found;
    if (cert === presented) return { isNew: false, expires };
    presented = cert;
    service.setCertificate(found);
    log.certificateRenewed({ expires });
    return { isNew: true, expires };
  };
  return {
    address: { address: service.address.address, port: service.address.port },
    isSecure: certificate !== undefined,
    present: service.setCertificate,
    renew: () => logCertificateErrors(log, async () => void (await presentOwn())),
    reload: () =>
      logCertificateErrors(log, async () => {
        const found = await presentOwn();
        if (found?.isNew === false) log.certificateUnchanged({ expires: found.expires });
      }),
    close: service.close,
  };
}
