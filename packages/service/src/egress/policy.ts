import type { IpAddress } from "../net/address.ts";
import { parseAddress, sameAddress } from "../net/address.ts";
import type { AllowRule } from "./allow-rule.ts";
import { parseAllowTarget, parsePort, ruleAllows } from "./allow-rule.ts";
import { isMetadataAddress, isMetadataHost } from "./metadata.ts";
import { embedsIpv4, isGlobalUnicast, specialPurposeBlock } from "./special-purpose.ts";

export { parseAllowTarget };
export type { AllowRule };

/** Why a connection may not be made. */
export type EgressReason =
  | "metadata"
  | "own-endpoint"
  | "embedded-ipv4"
  | "special-purpose"
  | "not-an-address"
  | "plain-http"
  | "unverified-tls";

export type EgressVerdict =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly reason: EgressReason };

/** Where this service listens. `0.0.0.0` and `::` mean every address of the machine. */
export interface OwnEndpoint {
  readonly address: string;
  readonly port: number;
}

/** How a target is spoken to. */
export interface Transport {
  readonly isTls: boolean;
  /** The target's certificate is checked; means nothing without TLS. */
  readonly isVerified: boolean;
}

/** The one place that says where the service may connect to, and how. */
export interface EgressPolicy {
  /** Judges the numeric address that is about to be dialled, or that a socket is connected to. */
  checkAddress(address: string, port: number): EgressVerdict;
  /**
   * Judges a host as `URL.hostname` writes it, IPv6 in brackets or not: a literal as `judgeAddress` does, a name by
   * itself. An allowed name says nothing about the addresses it resolves to.
   */
  checkHost(hostname: string, port: number): EgressVerdict;
  checkTransport(transport: Transport): EgressVerdict;
}

/** What the operator decides about targets. */
export interface EgressRules {
  /** Addresses that are allowed in addition to global unicast. */
  readonly allow: readonly AllowRule[];
  /** Allows targets over TLS alone. Default: false. */
  readonly forbidHttp?: boolean;
  /** Checks the certificate of every target, whatever the target says. Default: false. */
  readonly forbidUnverified?: boolean;
}

export interface EgressPolicyOptions extends EgressRules {
  /** Asked afresh at each judgement, since a port may be known only once the server listens. */
  readonly ownEndpoints: () => readonly OwnEndpoint[];
  /** The addresses of this machine's interfaces. */
  readonly localAddresses: () => readonly string[];
  /** `host[:port]` of every authority that leads back to this service; the port is 443 unless written. */
  readonly ownAuthorities: readonly string[];
}

const ALLOWED: EgressVerdict = { allowed: true };

/**
 * Denies by default all that is not global unicast. Credentials of the machine, the service itself and IPv4 addresses
 * in disguise stay denied whatever an allow rule opens: a rule for `::/0` is not meant for `::ffff:169.254.169.254`.
 */
export function createEgressPolicy(options: EgressPolicyOptions): EgressPolicy {
  const ownNames = new Set(options.ownAuthorities.map(canonicalAuthority));

  function checkParsedAddress(address: IpAddress, port: number): EgressVerdict {
    if (isMetadataAddress(address)) return denied("metadata");
    if (embedsIpv4(address)) return denied("embedded-ipv4");
    if (isOwn(address, port)) return denied("own-endpoint");
    if (options.allow.some((rule) => ruleAllows(rule, address, port))) return ALLOWED;
    return isGlobalUnicast(address) ? ALLOWED : denied("special-purpose");
  }

  function isOwn(address: IpAddress, port: number): boolean {
    const listening = options.ownEndpoints().filter((endpoint) => endpoint.port === port);
    if (listening.length === 0) return false;
    // Any loopback address, not only the one that is listened on: it costs nothing, and packet filters redirect them.
    if (reachesThisMachine(address)) return true;
    return [...listening.map((endpoint) => endpoint.address), ...options.localAddresses()].some((text) =>
      isSameAddress(text, address),
    );
  }

  function checkAddress(text: string, port: number): EgressVerdict {
    const address = parseAddress(text);
    return address === undefined ? denied("not-an-address") : checkParsedAddress(address, port);
  }

  function checkHost(hostname: string, port: number): EgressVerdict {
    const name = canonicalHost(hostname);
    if (ownNames.has(`${name}:${port}`)) return denied("own-endpoint");
    if (isMetadataHost(name)) return denied("metadata");
    // No host name contains a colon: what looks like IPv6 and does not parse (a zone id) is not handed to a resolver.
    return name.includes(":") || parseAddress(name) !== undefined ? checkAddress(name, port) : ALLOWED;
  }

  function checkTransport({ isTls, isVerified }: Transport): EgressVerdict {
    if (!isTls) return options.forbidHttp === true ? denied("plain-http") : ALLOWED;
    return options.forbidUnverified === true && !isVerified ? denied("unverified-tls") : ALLOWED;
  }

  return { checkAddress, checkHost, checkTransport };
}

function denied(reason: EgressReason): EgressVerdict {
  return { allowed: false, reason };
}

function reachesThisMachine(address: IpAddress): boolean {
  const block = specialPurposeBlock(address)?.class;
  return block === "loopback" || block === "unspecified" || block === "this-network";
}

/** Interfaces are listed with a zone id at times; the zone does not make it another address. */
function isSameAddress(text: string, address: IpAddress): boolean {
  const written = parseAddress(text.split("%", 1)[0] ?? "");
  return written !== undefined && sameAddress(written, address);
}

/** Lower case, without brackets and the trailing dot of a fully qualified name: all of them name the same host. */
function canonicalHost(hostname: string): string {
  const isBracketed = hostname.startsWith("[") && hostname.endsWith("]");
  const host = isBracketed ? hostname.slice(1, -1) : hostname;
  let end = host.length;
  while (host.endsWith(".", end)) end -= 1;
  return host.slice(0, end).toLowerCase();
}

function canonicalAuthority(authority: string): string {
  const { host, port } = /^(?<host>\[[^\]]*\]|[^:]*)(?::(?<port>\d+))?$/.exec(authority)?.groups ?? {};
  const number = port === undefined ? 443 : parsePort(port);
  if (host === undefined || number === undefined) throw new TypeError("An authority is host or host:port");
  return `${canonicalHost(host)}:${number}`;
}
