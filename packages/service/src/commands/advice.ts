import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Authority } from "capability-protocol";
import { parseCertificates } from "capability-sdk/pem";
import type { ServeConfig } from "../config.ts";
import { matchAuthorities, ownAuthorities } from "../service/own-authorities.ts";
import { toSubjectAltName } from "../tls/subject-alt-name.ts";
import { coversName } from "../tls/renewal.ts";

/** What the operator should know of a configuration; it does not stop a start. `problem` is safe to log. */
export interface Advice {
  readonly subject:
    | "authority"
    | "certificate"
    | "metrics"
    | "open files"
    | "service key"
    | "tokens"
    | "traces";
  readonly problem: string;
}

/** What a configuration is compared with. */
export interface AdviceContext {
  /** The certificate that was given, PEM; absent: the service's own, or none. */
  readonly certificate: string | undefined;
  /** The certificate of the private CA, PEM; absent: it is not in use, or not made yet. */
  readonly privateCA: string | undefined;
  /** The authority that was last served from this data directory. */
  readonly lastAuthority: Authority | undefined;
  /** How many files a process may have open; absent: not known. */
  readonly openFiles: number | undefined;
  /** What is to be said of the service key file. */
  readonly serviceKeyProblems: readonly string[];
  readonly now: Date;
}

const DAY_MS = 86_400_000;

/** A certificate that is renewed automatically has been renewed this long before it expires. */
const EXPIRY_WARNING_MS = 14 * DAY_MS;

/** Files that a process opens in addition to its connections: the store, the log, name lookups. */
const RESERVED_FILES = 256;

/** Compares a configuration with its surroundings. */
export function adviseOn(config: ServeConfig, context: AdviceContext): readonly Advice[] {
  return [
    ...adviseOnListening(config),
    ...adviseOnPlaintext(config),
    ...adviseOnMetrics(config),
    ...adviseOnTraces(config),
    ...adviseOnRename(config, context.lastAuthority),
    ...adviseOnCertificate(config, context),
    ...adviseOnPrivateCA(context),
    ...adviseOnOpenFiles(config, context.openFiles),
    ...adviseOnServiceKey(context),
  ];
}

/** The limit of open files, which Node.js raises as far as it may; not known without /proc. */
export async function readOpenFiles(): Promise<number | undefined> {
  const text = await readFile("/proc/self/limits", "utf8").catch(() => "");
  return parseOpenFiles(text);
}

export function parseOpenFiles(limits: string): number | undefined {
  const soft = /^Max open files +(\d+) /m.exec(limits)?.[1];
  return soft === undefined ? undefined : Number(soft);
}

function adviseOnListening(config: ServeConfig): readonly Advice[] {
  const { authority, listen } = config;
  const isLocal = ownAuthorities(config).every((name) => isLoopback(toSubjectAltName(name).value));
  if (!isLocal || isLoopback(listen.host)) return [];
  return [
    {
      subject: "authority",
      problem: `${authority} leads every client to its own machine, and the service listens on ${listen.host}: name a host that other machines can reach, with --authority`,
    },
  ];
}

function adviseOnPlaintext({ tls, listen, trustedProxies }: ServeConfig): readonly Advice[] {
  if (tls.kind !== "none" || isLoopback(listen.host) || trustedProxies.length > 0) return [];
  return [
    {
      subject: "tokens",
      problem: `and responses are read in clear by every network between a client and ${listen.host}: leave out --no-tls, or put a front that speaks TLS before it and name it with --trust-proxy`,
    },
  ];
}

function adviseOnMetrics({ metricsListen }: ServeConfig): readonly Advice[] {
  if (metricsListen === undefined || isLoopback(metricsListen.host)) return [];
  return [
    {
      subject: "metrics",
      problem: `are read at ${metricsListen.host}:${metricsListen.port} without authentication: let only Prometheus reach it, with a firewall or a separate network`,
    },
  ];
}

function adviseOnTraces({ traces }: ServeConfig): readonly Advice[] {
  if (traces === undefined || traces.endpoint.protocol === "https:") return [];
  const { hostname, host } = traces.endpoint;
  if (isLoopback(hostname.replace(/^\[|\]$/g, ""))) return [];
  const what = traces.headersFile === undefined ? "" : ", and the headers of --otlp-headers-file too";
  return [
    {
      subject: "traces",
      problem: `are sent to ${host} in clear${what}: use https, or a network that others do not reach`,
    },
  ];
}

function isLoopback(host: string): boolean {
  return (
    host === "localhost" ||
    host.endsWith(".localhost") ||
    host === "::1" ||
    /^127(?:\.\d{1,3}){3}$/.test(host)
  );
}

function adviseOnRename(config: ServeConfig, lastAuthority: Authority | undefined): readonly Advice[] {
  if (lastAuthority === undefined) return [];
  if (matchAuthorities(ownAuthorities(config))(lastAuthority)) return [];
  return [
    {
      subject: "authority",
      problem: `the service was called ${lastAuthority}, and capabilities made then lead there: keep the name with --authority-alias ${lastAuthority}`,
    },
  ];
}

function adviseOnCertificate(config: ServeConfig, { certificate, now }: AdviceContext): readonly Advice[] {
  if (certificate === undefined) return [];
  const leaf = new X509Certificate(certificate);
  const advice = (problem: string): Advice => ({ subject: "certificate", problem });
  const unnamed = ownAuthorities(config).filter((name) => !coversName(leaf, toSubjectAltName(name)));
  const remaining = Date.parse(leaf.validTo) - now.getTime();
  return [
    ...unnamed.map((name) => advice(`does not name ${name}: clients refuse to connect to it by this name`)),
    ...(remaining <= 0
      ? [advice("has expired: renew it")]
      : remaining < EXPIRY_WARNING_MS
        ? [advice(`expires in ${Math.floor(remaining / DAY_MS)} days: renew it`)]
        : []),
    ...(Date.parse(leaf.validFrom) > now.getTime() ? [advice("is not valid yet: is the clock right?")] : []),
  ];
}

/** One that has expired stops the start. */
function adviseOnPrivateCA({ privateCA, now }: AdviceContext): readonly Advice[] {
  const [ca] = privateCA === undefined ? [] : (parseCertificates(privateCA) ?? []);
  if (ca === undefined || Date.parse(ca.validFrom) <= now.getTime()) return [];
  const from = new Date(ca.validFrom).toISOString();
  return [
    {
      subject: "certificate",
      problem: `of the private CA is not valid before ${from}, and clients refuse it until then: is the clock right? If it was ahead when the CA was made, move ca.pem and ca.key away, start, and give clients the new ca.pem`,
    },
  ];
}

function adviseOnOpenFiles(
  { limits: { maxConnections, maxConcurrentInvocations } }: ServeConfig,
  openFiles: number | undefined,
): readonly Advice[] {
  const needed = maxConnections + maxConcurrentInvocations + RESERVED_FILES;
  if (openFiles === undefined || openFiles >= needed) return [];
  return [
    {
      subject: "open files",
      problem: `a process may have ${openFiles} open, and --max-connections ${maxConnections} with --max-concurrent-invocations ${maxConcurrentInvocations} need ${needed}: raise the limit (ulimit -n, LimitNOFILE=), or lower these`,
    },
  ];
}

function adviseOnServiceKey({ serviceKeyProblems }: AdviceContext): readonly Advice[] {
  return serviceKeyProblems.map((problem) => ({ subject: "service key", problem }));
}
