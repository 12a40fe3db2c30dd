import { readFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join, resolve } from "node:path";
import type { Authority } from "capability-protocol";
import type { AuditLog } from "../audit/log.ts";
import type { ServeConfig } from "../config.ts";
import { ConfigError } from "../config.ts";
import { createHostsReader } from "../egress/hosts-file.ts";
import { createNameService } from "../egress/name-service.ts";
import { makeFirstTenant } from "../management/tenants.ts";
import type { RunningService } from "../service.ts";
import { startService } from "../service.ts";
import { parseCertificates } from "capability-sdk/pem";
import type { KeyedCertificate } from "../tls/x509.ts";
import { ensureServerCertificate, loadServerCertificate } from "../tls/server-certificate.ts";
import type { OpenData } from "./data.ts";
import { dataPaths, openData, rememberAuthority } from "./data.ts";
import { makeFirstProfile } from "./first-profile.ts";
import type { Print } from "./print.ts";
import { printFirst } from "./print.ts";

/** How often the own certificate is looked at, in milliseconds. */
const RENEWAL_MS = 12 * 60 * 60 * 1_000;

const HOSTS_FILE = "/etc/hosts";

/** What a running service has of its process. */
export interface Machine {
  readonly log: AuditLog;
  readonly print: Print;
  /** Home directory of whoever runs it. */
  readonly home: () => string;
  /** Resolves when it is time to end. */
  readonly stop: Promise<unknown>;
  /** Collects young garbage. */
  readonly collectYoung: () => void;
}

/** Runs the service until `stop` resolves. */
export async function serve(config: ServeConfig, machine: Machine): Promise<void> {
  // Files that others gave come first: a start that fails for one of them leaves no data directory behind.
  const authorityCas = await readAuthorityCas(config.authorityCaFiles);
  const given = await readGivenCertificate(config);
  const data = await openData(config);
  try {
    await serveData(config, data, { authorityCas, given }, machine);
  } finally {
    await data.store.close();
  }
  machine.log.stopped();
}

async function serveData(
  config: ServeConfig,
  data: OpenData,
  files: {
    readonly authorityCas: ReadonlyMap<Authority, string>;
    readonly given: KeyedCertificate | undefined;
  },
  machine: Machine,
): Promise<void> {
  const { log, print, home, stop, collectYoung } = machine;
  const hasOwn = config.tls.kind === "private-ca";
  const certificate = files.given ?? (hasOwn ? await ownCertificate(config) : undefined);
  const service = await startService({
    store: data.store,
    keys: data.keys,
    authority: config.authority,
    aliases: config.aliases,
    authorityCas: files.authorityCas,
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
  const renewal = setInterval(() => void renew(config, service, log), RENEWAL_MS).unref();
  try {
    await rememberAuthority(config);
    const first = await makeFirstTenant(data);
    if (first !== undefined) {
      const ca = hasOwn ? resolve(join(dataPaths(config).tls, "ca.pem")) : undefined;
      printFirst(print, first, ca);
      const saved = await makeFirstProfile(config, first, ca, home);
      if (saved !== undefined) print(saved);
    }
    const { address, port } = service.address;
    log.ready({ authority: config.authority, host: address, port, secure: certificate !== undefined });
    await stop;
    log.stopping();
  } finally {
    clearInterval(renewal);
    await service.close();
  }
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

function ownCertificate(config: ServeConfig): ReturnType<typeof ensureServerCertificate> {
  const authorities = [config.authority, ...config.aliases];
  return ensureServerCertificate({ directory: dataPaths(config).tls, authorities, now: new Date() });
}

async function renew(config: ServeConfig, service: RunningService, log: AuditLog): Promise<void> {
  if (config.tls.kind !== "private-ca") return;
  try {
    const certificate = await ownCertificate(config);
    if (!certificate.renewed) return;
    service.setCertificate(certificate);
    log.certificateRenewed({ expires: certificate.expires });
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
