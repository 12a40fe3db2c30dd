import { readFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join, resolve } from "node:path";
import type { Authority } from "capability-protocol";
import type { AuditLog } from "../audit/log.ts";
import type { ServeConfig } from "../config.ts";
import { ConfigError } from "../config.ts";
import { createHostsReader } from "../egress/hosts-file.ts";
import { createNameService } from "../egress/name-service.ts";
import { startService } from "../service.ts";
import { parseCertificates } from "capability-sdk/pem";
import type { KeyedCertificate } from "../tls/x509.ts";
import { ensureServerCertificate, loadServerCertificate } from "../tls/server-certificate.ts";
import { startCrew } from "./crew.ts";
import type { OpenData } from "./data.ts";
import { dataPaths, openData, rememberAuthority } from "./data.ts";
import { makeFirstProfile } from "./first-profile.ts";
import { keepFirstTenant, showFirstTenant } from "./first-tenant.ts";
import type { Print } from "./print.ts";
import { printKept } from "./print.ts";
import type { FromWorker } from "./worker-messages.ts";

/** How often the own certificate is looked at, in milliseconds. */
const RENEWAL_MS = 12 * 60 * 60 * 1_000;

const HOSTS_FILE = "/etc/hosts";

/** What a running service has of its process. */
export interface Machine {
  readonly log: AuditLog;
  readonly print: Print;
  /** What is printed is shown to a person, and kept nowhere. */
  readonly isTerminal: boolean;
  /** Home directory of whoever runs it. */
  readonly home: () => string;
  /** Resolves when it is time to end. */
  readonly stop: Promise<unknown>;
  /** Collects young garbage. */
  readonly collectYoung: () => void;
}

/** What a worker has of its process and of the one that started it. */
export interface WorkerMachine extends Pick<Machine, "log" | "stop" | "collectYoung"> {
  readonly tell: (message: FromWorker) => void;
  readonly onRenewed: (listener: () => void) => void;
}

/** Runs the service until `stop` resolves: in this process, or in workers that this process starts and replaces. */
export async function serve(config: ServeConfig, machine: Machine): Promise<void> {
  // Files that others gave come first: a start that fails for one of them leaves no data directory behind.
  const files = await readFiles(config);
  const data = await openData(config, machine.log.store);
  try {
    // Before any worker looks for it: two must not make it at once.
    const certificate = await ownCertificate(config, machine.log, { mayReplaceCA: true });
    if (certificate?.replacedCA === true) machine.log.authorityReplaced({ file: ownCA(config) });
    const running = await start(config, data, files, machine);
    const renewal = setInterval(() => void renew(config, running, machine.log), RENEWAL_MS).unref();
    try {
      await announce(config, data, running, machine);
      await machine.stop;
      machine.log.stopping();
    } finally {
      clearInterval(renewal);
      await running.close();
    }
  } finally {
    await data.store.close();
  }
  machine.log.stopped();
}

/** Runs one of several workers until `stop` resolves: serves, and makes nothing that is made once. */
export async function serveAsWorker(config: ServeConfig, machine: WorkerMachine): Promise<void> {
  const data = await openData(config, machine.log.store);
  try {
    const running = await startHere(config, data, await readFiles(config), machine);
    machine.tell({ kind: "listening", ...running.address });
    machine.onRenewed(() => void renew(config, running, machine.log));
    await machine.stop;
    await running.close();
  } finally {
    await data.store.close();
  }
}

/** Files that others gave. */
interface Files {
  readonly authorityCas: ReadonlyMap<Authority, string>;
  readonly given: KeyedCertificate | undefined;
}

async function readFiles(config: ServeConfig): Promise<Files> {
  return {
    authorityCas: await readAuthorityCas(config.authorityCaFiles),
    given: await readGivenCertificate(config),
  };
}

/** The service, in one process or in several. */
interface Running {
  readonly address: { readonly address: string; readonly port: number };
  readonly isSecure: boolean;
  /** What follows from a look at the server's certificate. */
  certificateSeen(certificate: Certificate): void;
  close(): Promise<void>;
}

async function start(config: ServeConfig, data: OpenData, files: Files, machine: Machine): Promise<Running> {
  if (config.workers === 1) return startHere(config, data, files, machine);
  const crew = await startCrew(config.workers, config.limits.shutdownMs, machine.log);
  return {
    address: crew.address,
    isSecure: config.tls.kind !== "none",
    certificateSeen: ({ renewed }) => {
      if (renewed) crew.renewed();
    },
    close: crew.stop,
  };
}

async function startHere(
  config: ServeConfig,
  data: OpenData,
  { authorityCas, given }: Files,
  { log, collectYoung }: Pick<Machine, "log" | "collectYoung">,
): Promise<Running> {
  const certificate = given ?? (await ownCertificate(config, log));
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
  return {
    address: { address: service.address.address, port: service.address.port },
    isSecure: certificate !== undefined,
    // Renewed here, or by another process.
    certificateSeen(seen) {
      if (seen.cert === presented) return;
      presented = seen.cert;
      service.setCertificate(seen);
      log.certificateRenewed({ expires: seen.expires });
    },
    close: service.close,
  };
}

/** What is made and said once, however many processes serve. */
async function announce(
  config: ServeConfig,
  data: OpenData,
  { address: { address, port }, isSecure }: Running,
  { log, print, isTerminal, home }: Machine,
): Promise<void> {
  // Commands beside the service would be told an older name; nothing that is served depends on it.
  await rememberAuthority(config).catch(log.fault);
  const ca = config.tls.kind === "private-ca" ? ownCA(config) : undefined;
  const made = isTerminal ? await showFirstTenant(data, ca, print) : await keepFirstTenant(data, config, ca);
  if (made !== undefined) {
    const { first, file } = made;
    if (file !== undefined) {
      log.firstCapabilities({ tenant: first.tenant, file });
      printKept(print, first.tenant, file, ca);
    }
    (await makeFirstProfile(config, first, { ca, file }, home)).forEach(print);
  }
  log.ready({ authority: config.authority, host: address, port, secure: isSecure });
}

/** What the operating system says of an address in a word, in a sentence that says what to do. */
function explainListening({ listen: { host, port } }: ServeConfig, error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error)) return error;
  const where = `--listen: ${host}:${port}`;
  switch (error.code) {
    case "EADDRINUSE":
      return new ConfigError(
        `${where} is taken: is the service running already? "membrane doctor" tells; name another port with --listen HOST:PORT`,
        { cause: error },
      );
    case "EACCES":
      return new ConfigError(`${where} is not allowed to this user: name a port over 1023`, { cause: error });
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return new ConfigError(`${where} is no address of this machine: name one, or 0.0.0.0 for all`, {
        cause: error,
      });
    default:
      return error;
  }
}

async function readGivenCertificate({ tls }: ServeConfig): Promise<KeyedCertificate | undefined> {
  if (tls.kind !== "files") return undefined;
  return loadServerCertificate(tls).catch((cause: unknown) => {
    const problem = cause instanceof Error ? cause.message : "cannot be read";
    throw new ConfigError(`--tls-cert, --tls-key: ${problem}`, { cause });
  });
}

type Certificate = Awaited<ReturnType<typeof ensureServerCertificate>>;

/** Nothing where the certificate was given, or none is wanted. */
async function ownCertificate(
  config: ServeConfig,
  log: Pick<AuditLog, "fault">,
  options: { readonly mayReplaceCA?: boolean } = {},
): Promise<Certificate | undefined> {
  if (config.tls.kind !== "private-ca") return undefined;
  const authorities = [config.authority, ...config.aliases];
  const directory = dataPaths(config).tls;
  const certificate = await ensureServerCertificate({ directory, authorities, now: new Date(), ...options });
  if (certificate.notSaved !== undefined) log.fault(certificate.notSaved);
  return certificate;
}

/** Where the certificate of the private CA is. */
function ownCA(config: ServeConfig): string {
  return resolve(join(dataPaths(config).tls, "ca.pem"));
}

async function renew(config: ServeConfig, running: Running, log: AuditLog): Promise<void> {
  try {
    const certificate = await ownCertificate(config, log);
    if (certificate !== undefined) running.certificateSeen(certificate);
  } catch (error) {
    log.fault(error);
  }
}

async function readAuthorityCas(
  files: ReadonlyMap<Authority, string>,
): Promise<ReadonlyMap<Authority, string>> {
  const read = Array.from(files, async ([authority, file]): Promise<[Authority, string]> => {
    const pem = await readFile(file, "utf8").catch((cause: unknown) => {
      throw new ConfigError(`--authority-ca: ${file} cannot be read, expected a CA certificate in PEM`, {
        cause,
      });
    });
    if (parseCertificates(pem) === undefined) {
      throw new ConfigError(`--authority-ca: ${file} is not a CA certificate in PEM`);
    }
    return [authority, pem];
  });
  return new Map(await Promise.all(read));
}
