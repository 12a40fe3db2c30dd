import type {
  Authority,
  Openings,
  TargetConfiguration,
  TargetOrigin,
  TlsConfiguration,
} from "capability-protocol";
import { foldHeaderName, originOfAuthority } from "capability-protocol";
import { createSigner, isS3Service, s3HeaderRule } from "capability-protocol/signers";
import type { HashFunction, Signer } from "capability-protocol/signers";
import { flatHeaders } from "../domain/flat-headers.ts";
import { maxAddedBytes } from "../domain/head-size.ts";
import type { TargetContent } from "../domain/target.ts";
import { credentialKeys, ownKeys } from "./credential-names.ts";
import { clientHeader, clientHeaderRule } from "./header-rules.ts";
import type { SignedHeaderRule } from "./limits/header-limit.ts";
import type { QueryOpening } from "./openings/query-opening.ts";
import type { TargetBase } from "./references.ts";
import { baseOf } from "./references.ts";
import type { RewriteTarget } from "./rewrite-reference.ts";
import { queryPairs } from "./rewrite-reference.ts";

/** Everything of an upstream request that depends only on its target, made once when the target is resolved. */
export interface PreparedTarget extends RewriteTarget {
  /** Where the connection goes. */
  readonly origin: TargetOrigin;
  /** Without "?"; empty if there is none. */
  readonly query: string;
  /** Flat list, `Host` first. */
  readonly headers: readonly string[];
  /** Names of {@link headers}, as `foldHeaderName` writes them. */
  readonly headerNames: ReadonlySet<string>;
  /**
   * Those of {@link headers} with which a client could change the effect of the request, by folded name. Another value of the
   * client is refused: dropped silently, the request would have another meaning than the client intends.
   */
  readonly overrideHeaders: ReadonlyMap<string, string>;
  /** Flat list: the same ones, as they are sent. */
  readonly fixedHeaders: readonly string[];
  /** How many bytes a signature, `Via`, `CDN-Loop` and the framing add to a head, at most. */
  readonly maxAddedBytes: number;
  /** Lower-case names of headers that pass, although they do not by default. Absent if there are none. */
  readonly openedHeaders?: ReadonlySet<string>;
  /** What its signature says about a client's header; of another authority's target, what any signature could say. */
  readonly headerRule: SignedHeaderRule;
  /** Milliseconds without a byte from the target after which the connection ends. */
  readonly timeoutMs?: number;
  readonly signer?: Signer;
  readonly tls?: TlsConfiguration;
  /** The target, or its signature, has a credential in the request. */
  readonly carriesCredential: boolean;
  /** Headers with other credentials of the client that are dropped. Another authority gets those that are no carriers of tokens. */
  readonly droppedCredentials: "all" | "carriers" | "none";
  /** Whether headers that name another resource, or a user to act as, are refused. Another authority checks them itself. */
  readonly refusesOverrides: boolean;
  /** The URIs that belong to the target. */
  readonly base: TargetBase;
  /** Its clients are those of S3, which show nothing of JSON. */
  readonly isS3: boolean;
  /** It is another Membrane Service, which reads `X-Payload-Sha256` and `Membrane-Operation` itself. */
  readonly isMembraneService: boolean;
}

/** @param authorityCa the CA of another authority, PEM, if it is not a public one. */
export function prepareTarget(
  content: TargetContent,
  digest: HashFunction,
  authorityCa: (authority: Authority) => string | undefined,
): PreparedTarget {
  return content.kind === "configured"
    ? prepareConfigured(content.configuration, digest)
    : prepareFederated(content.capability, authorityCa);
}

function prepareConfigured(configuration: TargetConfiguration, digest: HashFunction): PreparedTarget {
  const { origin, path, query } = configuration.uri;
  const configured = configuration.headers.map(([name]) => name);
  const signer =
    configuration.hmac === undefined ? undefined : createSigner(configuration.hmac, configured, digest);
  // Headers that the signer sets are left out: a date or a hash in the configuration would be a second one.
  const headers = configuration.headers.filter(
    ([name]) => signer?.ownHeaders.has(name.toLowerCase()) !== true,
  );
  const lines = flatHeaders(headers);
  const overrides = headers.filter(([name]) => isOverride(signer, name));
  const carriesCredential =
    signer !== undefined ||
    configuration.tls?.cert !== undefined ||
    credentialKeys(query).size > 0 ||
    configured.some(holdsCredential);
  return {
    origin,
    path: signer === undefined ? path : signer.wirePath(path),
    query,
    headers: ["Host", origin.host, ...lines],
    headerNames: new Set(["host", ...configured.map(foldHeaderName)]),
    overrideHeaders:
      overrides.length === 0
        ? NO_HEADERS
        : new Map(overrides.map(([name, value]) => [foldHeaderName(name), value])),
    fixedHeaders: flatHeaders(overrides),
    maxAddedBytes: maxAddedBytes(configuration.hmac, origin.host, lines),
    headerRule: signer === undefined ? NO_RULE : signer.headerRule,
    carriesCredential,
    droppedCredentials: carriesCredential ? "all" : "none",
    ownKeys: ownKeys(query),
    ownPairs: queryPairs(configuration.allowPath === true ? query : ""),
    refusesOverrides: carriesCredential,
    base: baseOf(configuration.uri),
    isS3: configuration.hmac?.scheme === "aws4-hmac-sha256" && isS3Service(configuration.hmac.service),
    isMembraneService: false,
    ...prepareOpenings(configuration),
    ...(configuration.method === undefined ? {} : { method: configuration.method }),
    ...(configuration.timeoutMs === undefined ? {} : { timeoutMs: configuration.timeoutMs }),
    ...(signer === undefined ? {} : { signer }),
    ...(configuration.tls === undefined ? {} : { tls: configuration.tls }),
  };
}

/** A target's own token or key can come in each header in which this service's clients send theirs. */
function holdsCredential(configuredName: string): boolean {
  const { isCredential, isCarrier } = clientHeader(configuredName);
  return isCredential || isCarrier;
}

const NO_RULE: SignedHeaderRule = () => undefined;

/** One for all targets without such headers, which are most. */
const NO_HEADERS: ReadonlyMap<string, string> = new Map();

function prepareOpenings(
  openings: Openings,
): Pick<PreparedTarget, "pathOpenings" | "queryOpening" | "openedHeaders"> {
  const { allowPath, allowHeaders, encodedSlash = false, emptySegments = false } = openings;
  return {
    queryOpening: queryOpeningOf(openings),
    ...(allowPath === true && { pathOpenings: { encodedSlash, emptySegments } }),
    ...(allowHeaders === undefined ? {} : { openedHeaders: new Set(allowHeaders) }),
  };
}

function queryOpeningOf({ allowPath, allowQuery }: Openings): QueryOpening {
  if (typeof allowQuery !== "boolean") return new Set(allowQuery);
  if (allowQuery) return "any";
  return allowPath === true ? "refuse" : "drop";
}

/** Whether a client could set the header to another effect. Not for a header that is dropped whatever its value. */
function isOverride(signer: Signer | undefined, name: string): boolean {
  if (clientHeaderRule(foldHeaderName(name)) === "override") return true;
  const rule = signer?.headerRule(name.toLowerCase(), "");
  return rule !== undefined && rule !== "drop";
}

/** Its target may have any signature. That authority also reads how the body is framed, which a signer sets itself. */
const foreignHeaderRule: SignedHeaderRule = (name, value) =>
  name === "x-amz-content-sha256" ? "framing" : s3HeaderRule(name, value);

/** A capability of another authority is a request to that authority with that token. */
function prepareFederated(
  capability: Extract<TargetContent, { kind: "federated" }>["capability"],
  authorityCa: (authority: Authority) => string | undefined,
): PreparedTarget {
  const origin = originOfAuthority(capability.authority);
  const ca = authorityCa(capability.authority);
  return {
    origin,
    path: "/",
    query: "",
    headers: ["Host", origin.host, "Authorization", `Bearer ${capability.token}`],
    headerNames: new Set(["host", "authorization"]),
    overrideHeaders: NO_HEADERS,
    fixedHeaders: [],
    maxAddedBytes: maxAddedBytes(undefined, origin.host, []),
    pathOpenings: { encodedSlash: true, emptySegments: true },
    queryOpening: "foreign",
    headerRule: foreignHeaderRule,
    carriesCredential: true,
    droppedCredentials: "carriers",
    ownKeys: new Set(),
    ownPairs: new Set(),
    refusesOverrides: false,
    base: baseOf({ origin, path: "/" }),
    isS3: false,
    isMembraneService: true,
    ...(ca === undefined ? {} : { tls: { ca } }),
  };
}
