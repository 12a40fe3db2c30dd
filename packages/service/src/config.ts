import type { Authority } from "capability-protocol";
import { normalizeAuthority, parseAuthority } from "capability-protocol";
import { PROFILE_NAME_EXPECTED, isProfileName } from "capability-sdk/profiles";
import { ConfigError } from "./config-error.ts";
import { isIP } from "node:net";
import type { AllowRule } from "./egress/allow-rule.ts";
import { parseAllowTarget } from "./egress/allow-rule.ts";
import type { EgressRules } from "./egress/policy.ts";
import type { RawLimits } from "./service-limit-flags.ts";
import { readLimits, rejectLimitsOfOtherEngines } from "./service-limit-flags.ts";
import type { ServiceLimits } from "./service-limits.ts";
import type { Cidr } from "./net/address.ts";
import { parseCidr } from "./net/address.ts";
import type {
  AuditRules,
  HttpServer,
  ListenAddress,
  ServiceConfig,
  UpstreamClient,
} from "./service/options.ts";
import type { PostgresConfig, StoreOrigin } from "./store-config.ts";
import { readStore } from "./store-config.ts";
import type { RawTraceFlags, TraceConfig } from "./trace-config.ts";
import { readTraceConfig } from "./trace-config.ts";

/** Where the store and its key are, and the names of the service. */
export interface DataConfig {
  readonly data: string;
  /** Default: `service.key` in the data directory. */
  readonly serviceKeyFile?: string;
  /** Absent: the store is in the data directory, in LMDB. */
  readonly postgres?: PostgresConfig;
  readonly authority: Authority;
  /** Whether the operator gave `authority`. If not, it is a default, and the authority that was served last is preferred. */
  readonly isAuthoritySet: boolean;
  /** Further names of the service. */
  readonly aliases: readonly Authority[];
  /** The profile of `capi` that gets the first tenant's capabilities; absent: none does. */
  readonly profile?: string;
  readonly limits: ServiceLimits;
  /** Absent: there is no audit trail. */
  readonly audit?: AuditConfig;
}

/** The audit trail. */
export interface AuditConfig extends AuditRules {
  readonly file: string;
}

export type TlsConfig =
  | { readonly kind: "none" }
  | { readonly kind: "private-ca" }
  | { readonly kind: "files"; readonly certFile: string; readonly keyFile: string };

/** The configuration of `membrane init`. */
export interface InitConfig extends DataConfig {
  readonly tls: TlsConfig;
}

/** The configuration of `membrane serve`. */
export interface ServeConfig extends InitConfig, ServiceConfig {
  /** Files with the CA certificates of other authorities. */
  readonly authorityCaFiles: ReadonlyMap<Authority, string>;
  readonly audit?: AuditConfig;
  /** How many processes serve. */
  readonly workers: number;
  readonly logLevel: LogLevel;
  /** Where traces are sent. Absent: nowhere. */
  readonly traces?: TraceConfig;
}

export const UPSTREAM_CLIENTS: readonly UpstreamClient[] = ["native", "undici"];
export const HTTP_SERVERS: readonly HttpServer[] = ["native", "node"];

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Flags as the command line and the environment give them. */
export interface RawDataFlags extends RawLimits {
  readonly data: string;
  readonly serviceKeyFile?: string | undefined;
  readonly store?: string | undefined;
  /** Default: the command line, without variables. */
  readonly storeOrigin?: StoreOrigin | undefined;
  readonly authority?: string | undefined;
  readonly authorityAlias?: readonly string[] | undefined;
  readonly listen?: string | undefined;
  readonly profile?: string | boolean | undefined;
  readonly audit?: string | undefined;
  readonly auditRequired?: string | boolean | undefined;
  readonly auditInvocations?: string | undefined;
}

export interface RawInitFlags extends RawDataFlags {
  readonly tls?: string | boolean | undefined;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
}

export interface RawServeFlags extends RawInitFlags, RawTraceFlags {
  readonly listen: string;
  readonly authorityAlias: readonly string[];
  readonly authorityCa: readonly string[];
  readonly allowTarget: readonly string[];
  readonly forbidHttpTargets?: string | boolean | undefined;
  readonly forbidUnverifiedTargets?: string | boolean | undefined;
  readonly trustProxy: readonly string[];
  readonly metricsListen?: string | undefined;
  readonly workers?: number | undefined;
  readonly upstreamClient: string;
  readonly httpServer: string;
  readonly headMemo?: string | boolean | undefined;
  readonly logLevel: string;
}

/** @throws ConfigError */
export function readDataConfig(flags: RawDataFlags): DataConfig {
  const limits = readLimits(flags);
  const { store = "lmdb", storeOrigin = { source: "command line", environment: {} } } = flags;
  const postgres = readStore(store, storeOrigin, limits);
  rejectLimitsOfOtherEngines(flags, postgres === undefined ? "lmdb" : "postgres");
  return {
    data: flags.data,
    authority: readAuthority(flags),
    isAuthoritySet: flags.authority !== undefined,
    aliases: split(flags.authorityAlias ?? []).map((text) => authority("--authority-alias", text)),
    limits,
    ...(postgres === undefined ? {} : { postgres }),
    ...(flags.serviceKeyFile === undefined ? {} : { serviceKeyFile: flags.serviceKeyFile }),
    ...readProfileName(flags.profile),
    ...readAudit(flags),
  };
}

function readAudit(flags: RawDataFlags): Pick<DataConfig, "audit"> {
  const { audit: file, auditInvocations } = flags;
  const isRequired = readSwitch("--audit-required", flags.auditRequired, false);
  const invocationShare = auditInvocations === undefined ? 0 : readShare(auditInvocations);
  if (file !== undefined) return { audit: { file, isRequired, invocationShare } };
  if (isRequired || invocationShare > 0) {
    const flag = isRequired ? "--audit-required" : "--audit-invocations";
    throw new ConfigError(`${flag}: needs --audit, the file of the audit trail`);
  }
  return {};
}

function readShare(text: string): number {
  if (/^(?:0(?:\.\d+)?|1(?:\.0+)?)$/.test(text)) return Number(text);
  throw new ConfigError("--audit-invocations: expected a share from 0 to 1, as in 0.01; 1 records every one");
}

/** `--no-profile` is read as `false`; in the variable it is a text. */
function readProfileName(value: string | boolean | undefined): Pick<DataConfig, "profile"> {
  if (value === undefined || value === false || value === "false") return {};
  if (typeof value === "string" && isProfileName(value)) return { profile: value };
  throw new ConfigError(`--profile: expected ${PROFILE_NAME_EXPECTED}, or --no-profile`);
}

/** @throws ConfigError */
export function readInitConfig(flags: RawInitFlags): InitConfig {
  return { ...readDataConfig(flags), tls: readTls(flags) };
}

/** @throws ConfigError */
export function readServeConfig(flags: RawServeFlags): ServeConfig {
  const traces = readTraceConfig(flags);
  return {
    ...readInitConfig(flags),
    listen: readListen(flags.listen),
    ...readMetricsListen(flags.metricsListen),
    authorityCaFiles: new Map(split(flags.authorityCa).map(readAuthorityCa)),
    egress: readEgressRules(flags),
    trustedProxies: split(flags.trustProxy).map(readTrustedProxy),
    workers: readWorkers(flags.workers ?? 1),
    upstreamClient: readWord("--upstream-client", flags.upstreamClient, UPSTREAM_CLIENTS),
    keepsHeads: readSwitch("--head-memo", flags.headMemo, true),
    httpServer: readWord("--http-server", flags.httpServer, HTTP_SERVERS),
    logLevel: readWord("--log-level", flags.logLevel, LOG_LEVELS),
    ...(traces === undefined ? {} : { traces }),
  };
}

function readAuthority(flags: RawDataFlags): Authority {
  if (flags.authority !== undefined) return authority("--authority", flags.authority);
  const port = flags.listen === undefined ? 8443 : readListen(flags.listen).port;
  if (port === 0)
    throw new ConfigError(
      "--authority: required with --listen HOST:0, since the port is not known in advance",
    );
  return authority("--authority", `localhost:${port}`);
}

function authority(flag: string, text: string): Authority {
  const parsed = parseAuthority(text);
  if (parsed === undefined) throw new ConfigError(`${flag}: expected host[:port], as in localhost:8443`);
  return parsed;
}

function readListen(text: string): ListenAddress {
  const address = parseListen(text);
  if (address === undefined)
    throw new ConfigError("--listen: expected HOST:PORT, as in 127.0.0.1:8443 or [::1]:8443");
  return address;
}

/** An address and a port that are known in advance, since no target may be there. */
function readMetricsListen(text: string | undefined): Pick<ServeConfig, "metricsListen"> {
  if (text === undefined) return {};
  const address = parseListen(text);
  if (address === undefined || isIP(address.host) === 0 || address.port === 0) {
    throw new ConfigError(
      "--metrics-listen: expected ADDRESS:PORT, as in 127.0.0.1:9464 or [::1]:9464, with a port other than 0",
    );
  }
  return { metricsListen: address };
}

function parseListen(text: string): ListenAddress | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}

function readAuthorityCa(text: string): [Authority, string] {
  const at = text.indexOf("=");
  if (at === -1 || at === text.length - 1) {
    throw new ConfigError("--authority-ca: expected AUTHORITY=FILE, as in peer.example=peer-ca.pem");
  }
  return [normalizeAuthority(authority("--authority-ca", text.slice(0, at))), text.slice(at + 1)];
}

function readEgressRules(flags: RawServeFlags): EgressRules {
  return {
    allow: split(flags.allowTarget).map(readAllowTarget),
    forbidHttp: readSwitch("--forbid-http-targets", flags.forbidHttpTargets, false),
    forbidUnverified: readSwitch("--forbid-unverified-targets", flags.forbidUnverifiedTargets, false),
  };
}

function readAllowTarget(text: string): AllowRule {
  const rule = parseAllowTarget(text);
  if (rule === undefined) {
    throw new ConfigError(
      `--allow-target: expected CIDR[:PORT], as in 10.1.0.0/16:443 or [fd00::]/8, for localhost:3000 both 127.0.0.1:3000 and [::1]:3000; got ${text}`,
    );
  }
  return rule;
}

function readTrustedProxy(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr === undefined) {
    throw new ConfigError(`--trust-proxy: expected CIDR, as in 10.0.0.0/8 or fd00::/8; got ${text}`);
  }
  return cidr;
}

function readTls(flags: RawInitFlags): TlsConfig {
  const { tlsCert: certFile, tlsKey: keyFile } = flags;
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new ConfigError(
      certFile === undefined
        ? "--tls-cert: required with --tls-key; expected the certificate chain in PEM"
        : "--tls-key: required with --tls-cert; expected its private key in PEM",
    );
  }
  const isTls = readSwitch("--tls", flags.tls, true);
  if (certFile === undefined || keyFile === undefined) return { kind: isTls ? "private-ca" : "none" };
  if (!isTls) throw new ConfigError("--no-tls: cannot be combined with --tls-cert and --tls-key");
  return { kind: "files", certFile, keyFile };
}

/** A variable holds a text. One that is neither `true` nor `false` is refused, since either meaning could be the unsafe one. */
function readSwitch(flag: string, value: string | boolean | undefined, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (value === true || value === "" || value === "true") return true;
  if (value === false || value === "false") return false;
  throw new ConfigError(`${flag}: expected true or false, or nothing, which means true`);
}

/** More processes than any machine needs. */
const MAX_WORKERS = 256;

function readWorkers(count: number): number {
  if (Number.isInteger(count) && count >= 1 && count <= MAX_WORKERS) return count;
  throw new ConfigError(`--workers: expected a whole number from 1 to ${MAX_WORKERS}`);
}

function readWord<W extends string>(flag: string, text: string, words: readonly W[]): W {
  const word = words.find((known) => known === text);
  if (word === undefined) throw new ConfigError(`${flag}: expected one of ${words.join(", ")}`);
  return word;
}

function split(texts: readonly string[]): string[] {
  return texts.flatMap((text) => text.split(",")).map((text) => text.trim());
}
