import type { Authority, Ok, Result, TargetOrigin } from "capability-protocol";
import { err, ok, originOfAuthority } from "capability-protocol";
import type { IpAddress } from "../net/address.ts";
import { parseAddress, sameAddress } from "../net/address.ts";
import type { AllowRule } from "./allow-rule.ts";
import { ruleAllows } from "./allow-rule.ts";
import { isMetadataAddress, isMetadataHost } from "./metadata.ts";
import { embedsIpv4, isGlobalUnicast, specialPurposeBlock } from "./special-purpose.ts";

/** Why a connection may not be made. */
export type EgressReason =
  | "metadata"
  | "own-endpoint"
  | "embedded-ipv4"
  | "special-purpose"
  | "not-an-address"
  | "plain-http"
  | "unverified-tls";

export type EgressVerdict = Result<undefined, EgressReason>;

/** Where this service listens. `0.0.0.0` and `::` mean every address of the machine. */
export interface OwnEndpoint {
  readonly address: string;
  readonly port: number;
}

/** Decides where the service may connect to, and how. Nothing else does. */
export interface EgressPolicy {
  /** Checks the numeric address that is about to be dialled, or that a socket is connected to. */
  checkAddress(address: string, port: number): EgressVerdict;
  /**
   * Checks the host of a target: an address as `checkAddress` does, a name by what it says. The addresses of an allowed name
   * are checked when it is resolved.
   */
  checkHost(origin: TargetOrigin): EgressVerdict;
  /** Checks whether the target may be connected to without TLS, or with TLS that does not verify its certificate. */
  checkTransport(
    origin: TargetOrigin,
    tls: { readonly rejectUnauthorized?: boolean } | undefined,
  ): EgressVerdict;
}

/** What the operator decides about targets. */
export interface EgressRules {
  /** Addresses that are allowed in addition to global unicast. */
  readonly allow: readonly AllowRule[];
  /** Allows only targets over TLS. Default: false. */
  readonly forbidHttp?: boolean;
  /** Checks the certificate of every target, whatever the target says. Default: false. */
  readonly forbidUnverified?: boolean;
}

export interface EgressPolicyOptions extends EgressRules {
  /** Called at each check, since a port may be known only once the server listens. */
  readonly ownEndpoints: () => readonly OwnEndpoint[];
  /** The addresses of this machine's interfaces. */
  readonly localAddresses: () => readonly string[];
  /** Every authority under which this service is reached. */
  readonly ownAuthorities: readonly Authority[];
}

const ALLOWED: Ok<undefined> = ok(undefined);

/**
 * Allows global unicast addresses and those of the allow rules. Metadata services, the service itself and addresses that embed
 * an IPv4 address stay denied: a rule for `::/0` is not meant for `::ffff:169.254.169.254`.
 */
export function createEgressPolicy(options: EgressPolicyOptions): EgressPolicy {
  const ownHosts = new Set(
    options.ownAuthorities.map((authority) => hostAndPort(originOfAuthority(authority))),
  );

  function checkParsedAddress(address: IpAddress, port: number): EgressVerdict {
    if (isMetadataAddress(address)) return err("metadata");
    if (embedsIpv4(address)) return err("embedded-ipv4");
    if (isOwn(address, port)) return err("own-endpoint");
    if (options.allow.some((rule) => ruleAllows(rule, address, port))) return ALLOWED;
    return isGlobalUnicast(address) ? ALLOWED : err("special-purpose");
  }

  function isOwn(address: IpAddress, port: number): boolean {
    const listening = options.ownEndpoints().filter((endpoint) => endpoint.port === port);
    if (listening.length === 0) return false;
    // Every loopback address, not only the one that is listened on, since packet filters redirect them.
    if (reachesThisMachine(address)) return true;
    return [...listening.map((endpoint) => endpoint.address), ...options.localAddresses()].some((text) =>
      isSameAddress(text, address),
    );
  }

  function checkAddress(text: string, port: number): EgressVerdict {
    const address = parseAddress(text);
    return address === undefined ? err("not-an-address") : checkParsedAddress(address, port);
  }

  /** `localhost` is resolved to both addresses (RFC 6761 §6.3), of which one that is allowed is enough. */
  function checkLoopback(port: number): EgressVerdict {
    const ipv4 = checkAddress("127.0.0.1", port);
    return ipv4.ok ? ipv4 : checkAddress("::1", port);
  }

  return {
    checkAddress,
    checkHost(origin) {
      const { hostname, port } = origin;
      if (ownHosts.has(hostAndPort(origin))) return err("own-endpoint");
      if (isMetadataHost(hostname)) return err("metadata");
      if (hostname === "localhost") return checkLoopback(port);
      // No host name contains a colon: what looks like IPv6 and does not parse (a zone id) is not handed to a resolver.
      return hostname.includes(":") || parseAddress(hostname) !== undefined
        ? checkAddress(hostname, port)
        : ALLOWED;
    },
    checkTransport({ scheme }, tls) {
      if (scheme === "http") return options.forbidHttp === true ? err("plain-http") : ALLOWED;
      const isVerified = tls?.rejectUnauthorized !== false;
      return options.forbidUnverified === true && !isVerified ? err("unverified-tls") : ALLOWED;
    },
  };
}

function hostAndPort({ hostname, port }: TargetOrigin): string {
  return `${hostname}:${port}`;
}

function reachesThisMachine(address: IpAddress): boolean {
  const block = specialPurposeBlock(address)?.class;
  return block === "loopback" || block === "unspecified" || block === "this-network";
}

/** Without the zone id with which an interface may be listed. */
function isSameAddress(text: string, address: IpAddress): boolean {
  const written = parseAddress(text.split("%", 1)[0] ?? "");
  return written !== undefined && sameAddress(written, address);
}
