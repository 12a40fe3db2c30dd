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
import { CertificateFileError } from "../tls/errors.ts";
import type { KeyedCertificate } from "../tls/x509.ts";
import type { GivenCertificate } from "../tls/given-certificate.ts";
import { createGivenCertificateSource } from "../tls/given-certificate.ts";
import { ensureServerCertificate, loadServerCertificate } from "../tls/server-certificate.ts";
import { adviseOn, readOpenFiles } from "./advice.ts";
import { startCrew } from "./crew.ts";
import type { OpenData } from "./data.ts";
import { dataPaths, lastAuthority, openData, rememberAuthority } from "./data.ts";
import { mendModes } from "./data-modes.ts";
import { followCertificate } from "./follow-certificate.ts";
import { makeFirstProfile } from "./first-profile.ts";
import { explainListening } from "./listening-error.ts";
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
  /** Calls the listener whenever the operator asks for the certificate to be read again. */
  readonly onReload: (listener: () => void) => void;
  /** Collects young garbage. */
  readonly collectYoung: () => void;
}

/** What a worker has of its process and of the one that started it. */
export interface WorkerMachine extends Pick<Machine, "log" | "stop" | "onReload" | "collectYoung"> {
  readonly tell: (message: FromWorker) => void;
  /** Calls the listener with each certificate that the first process has it present; it begins with one, if there are any. */
  readonly onCertificate: (listener: (certificate: KeyedCertificate) => void) => void;
}

/** Runs the service until `stop` resolves: in this process, or in workers that this process starts and replaces. */
export async function serve(config: ServeConfig, machine: Machine): Promise<void> {
  // Files that others gave come first: a start that fails for one of them leaves no data directory behind.
  const files = await readFiles(config);
  for (const { path } of await mendModes(config)) machine.log.modeMended({ path });
  const data = await openData(config, machine.log.store);
  try {
    // Before any worker looks for it: two must not make it at once.
    const certificate = await ownCertificate(config, machine.log, { mayReplaceCA: true });
    if (certificate?.replacedCA === true) machine.log.authorityReplaced({ file: ownCA(config) });
    const running = await start(config, data, files, machine);
    const renewal = setInterval(() => void running.renew(), RENEWAL_MS).unref();
    machine.onReload(() => {
      machine.log.reloading();
      void running.reload();
    });
    try {
      await advise(config, files, machine.log);
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
    const authorityCas = await readAuthorityCas(config.authorityCaFiles);
    const given = config.tls.kind === "files" ? followGiven(machine) : undefined;
    const running = await startHere(config, data, { authorityCas, given: await given?.first }, machine);
    given?.follow(running.present);
    machine.tell({ kind: "listening", ...running.address });
    machine.onReload(() => void running.reload());
    await machine.stop;
    await running.close();
  } finally {
    await data.store.close();
  }
}

/** Says what an operator would want to know of the configuration; a start does not stop for it. */
async function advise(config: ServeConfig, { given }: Files, log: AuditLog): Promise<void> {
  const advice = adviseOn(config, {
    certificate: given?.cert,
    lastAuthority: await lastAuthority(config),
    openFiles: await readOpenFiles(),
    now: new Date(),
  });
  advice.forEach(log.advised);
}

/** The certificates that the first process hands over, of which none is missed while the service starts. */
function followGiven({ onCertificate }: Pick<WorkerMachine, "onCertificate">) {
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
    follow(present: (certificate: KeyedCertificate) => void): void {
      listener = present;
      if (latest !== undefined) present(latest);
    },
  };
}

/** Files that others gave. */
interface Files {
  readonly authorityCas: ReadonlyMap<Authority, string>;
  readonly given: GivenCertificate | undefined;
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
  /** Renews the certificate if it is the service's own and due. Never rejects. */
  renew(): Promise<void>;
  /** Looks at the certificate for an operator who asked, and says what was found. Never rejects. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

async function start(config: ServeConfig, data: OpenData, files: Files, machine: Machine): Promise<Running> {
  const serving = await (config.workers === 1
    ? startHere(config, data, files, machine)
    : startWorkers(config, files, machine));
  const { tls } = config;
  const { given } = files;
  if (tls.kind !== "files" || given === undefined) return serving;
  const follower = followCertificate(createGivenCertificateSource(tls, given, serving.present), machine.log);
  return {
    ...serving,
    reload: follower.reload,
    async close() {
      follower.stop();
      await serving.close();
    },
  };
}

/** The service, which presents what it is handed. */
interface Serving extends Running {
  present(certificate: KeyedCertificate): void;
}

async function startWorkers(config: ServeConfig, { given }: Files, { log }: Machine): Promise<Serving> {
  const crew = await startCrew(config.workers, config.limits.shutdownMs, log, given);
  return {
    address: crew.address,
    isSecure: config.tls.kind !== "none",
    present: crew.present,
    renew: () =>
      logged(log, async () => {
        const certificate = await ownCertificate(config, log);
        if (certificate?.renewed === true) crew.reload();
      }),
    reload: () =>
      logged(log, async () => {
        await ownCertificate(config, log);
        crew.reload();
      }),
    close: crew.stop,
  };
}

async function startHere(
  config: ServeConfig,
  data: OpenData,
  { authorityCas, given }: Pick<Files, "authorityCas"> & { readonly given: KeyedCertificate | undefined },
  { log, collectYoung }: Pick<Machine, "log" | "collectYoung">,
): Promise<Serving> {
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
  const lookAtOwn = async (isAsked: boolean): Promise<void> => {
    const seen = await ownCertificate(config, log);
    if (seen === undefined) return;
    const { cert, expires } = seen;
    // Renewed here, or by another process.
    if (cert === presented) return isAsked ? log.certificateUnchanged({ expires }) : undefined;
    presented = cert;
    service.setCertificate(seen);
    log.certificateRenewed({ expires });
  };
  return {
    address: { address: service.address.address, port: service.address.port },
    isSecure: certificate !== undefined,
    present: service.setCertificate,
    renew: () => logged(log, () => lookAtOwn(false)),
    reload: () => logged(log, () => lookAtOwn(true)),
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

async function readGivenCertificate({ tls }: ServeConfig): Promise<GivenCertificate | undefined> {
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

/** A certificate that cannot be looked at is no reason to end: the one that is presented stays. */
async function logged(log: AuditLog, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof CertificateFileError)
      log.certificateRejected({ file: error.file, problem: error.problem });
    else log.fault(error);
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
