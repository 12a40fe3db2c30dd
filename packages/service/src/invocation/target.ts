import type { Authority, ExportRequest, TargetConfiguration, TlsConfiguration } from "capability-protocol";
import { createSigner } from "capability-protocol/signers";
import type { Digest, Signer } from "capability-protocol/signers";
import { foldName } from "./header-rules.ts";

/** Everything of an upstream request that depends on its target alone, made once when the target is resolved. */
export interface PreparedTarget {
  /** Scheme, host and port, where the connection goes. */
  readonly origin: string;
  /** As sent in `Host`: without the default port of the scheme. */
  readonly host: string;
  readonly secure: boolean;
  readonly path: string;
  /** Without "?"; empty if there is none. */
  readonly query: string;
  /** Absent: the requester's. */
  readonly method?: string;
  /** Flat list, `Host` first. */
  readonly headers: readonly string[];
  /** Names of {@link headers}, as `foldName` writes them. */
  readonly headerNames: ReadonlySet<string>;
  readonly allowQuery: boolean;
  /** Milliseconds without a byte from the target after which the connection ends. */
  readonly timeoutMs?: number;
  readonly signer?: Signer;
  readonly tls?: TlsConfiguration;
  /** `X-Payload-Sha256` means something to the target: it is another Membrane Service. */
  readonly passesPayloadHash: boolean;
}

/** @param authorityCa the CA of another authority, PEM, if it is not a public one. */
export function prepareTarget(
  request: ExportRequest,
  digest: Digest,
  authorityCa: (authority: Authority) => string | undefined,
): PreparedTarget {
  return request.kind === "target"
    ? prepareConfigured(request.target, digest)
    : prepareForeign(request.capability, authorityCa);
}

function prepareConfigured(configuration: TargetConfiguration, digest: Digest): PreparedTarget {
  const url = new URL(configuration.uri);
  const configured = configuration.headers.map(([name]) => name);
  const signer =
    configuration.hmac === undefined ? undefined : createSigner(configuration.hmac, configured, digest);
  // What the signature sets stands once: a date or a hash of the configuration would be a second one.
  const headers = configuration.headers.filter(
    ([name]) => signer?.ownHeaders.has(name.toLowerCase()) !== true,
  );
  return {
    origin: url.origin,
    host: url.host,
    secure: url.protocol === "https:",
    path: signer === undefined ? url.pathname : signer.wirePath(url.pathname),
    query: url.search.slice(1),
    headers: ["Host", url.host, ...headers.flat()],
    headerNames: new Set(["host", ...configured.map(foldName)]),
    allowQuery: configuration.allowQuery,
    passesPayloadHash: false,
    ...(configuration.method === undefined ? {} : { method: configuration.method }),
    ...(configuration.timeoutMs === undefined ? {} : { timeoutMs: configuration.timeoutMs }),
    ...(signer === undefined ? {} : { signer }),
    ...(configuration.tls === undefined ? {} : { tls: configuration.tls }),
  };
}

/** A capability of another authority is a request to that authority with that token. */
function prepareForeign(
  capability: Extract<ExportRequest, { kind: "reexport" }>["capability"],
  authorityCa: (authority: Authority) => string | undefined,
): PreparedTarget {
  const url = new URL(`https://${capability.authority}/`);
  const ca = authorityCa(capability.authority);
  return {
    origin: url.origin,
    host: url.host,
    secure: true,
    path: "/",
    query: "",
    headers: ["Host", url.host, "Authorization", `Bearer ${capability.token}`],
    headerNames: new Set(["host", "authorization"]),
    allowQuery: true,
    passesPayloadHash: true,
    ...(ca === undefined ? {} : { tls: { ca } }),
  };
}
