import { NEVER_FORWARDED, foldHeaderName } from "capability-protocol";
import { memoized } from "../collections/memoized.ts";
import { CARRIERS } from "./carrier.ts";
import { isCredentialHeader } from "./credential-names.ts";
import { listOf, valuesOf } from "./raw-headers.ts";

/** The rule for a client's header: it may pass, never passes, or passes only to a target without a credential. */
export type ClientHeaderRule = "pass" | "never" | "override";

/**
 * Headers of the client that do not reach a target, in lower case. An exporter can open those of the second part. Sources: RFC 7239
 * and its predecessors (Forwarded, X-Forwarded-*); RFC 9440 §2 (Client-Cert).
 */
const NEVER_FROM_CLIENT: readonly string[] = [
  ...NEVER_FORWARDED,
  // A target believes these from its own proxies: who the client is, and which host it asked for.
  "forwarded",
  "x-forwarded",
  "x-real-ip",
  "x-client-ip",
  "x-cluster-client-ip",
  "x-originating-ip",
  "remote-user",
  "true-client-ip",
  "cf-connecting-ip",
  "cf-connecting-ipv6",
  "fastly-client-ip",
  "client-cert",
  "client-cert-chain",
  "x-host",
  "x-request-start",
  // Where the target's proxy finds files (CVE-2025-61780).
  "x-accel-mapping",
  "x-sendfile-type",
];

/**
 * Families that only a target's own proxy may send: X-Forwarded-*; users and certificates from oauth2-proxy, Grafana, Azure,
 * App Engine, Google's and Amazon's load balancers and TLS terminators; Envoy.
 */
const NEVER_FROM_CLIENT_PREFIXES: readonly string[] = [
  "ssl-client-",
  "x-amzn-oidc-",
  "x-appengine-",
  "x-arr-",
  "x-auth-request-",
  "x-authenticated-",
  "x-client-cert",
  "x-envoy-",
  "x-forwarded-",
  "x-goog-authenticated-user-",
  "x-ms-client-principal",
  "x-remote-",
  "x-ssl-client-",
  "x-webauth-",
];

const NEVER_FROM_CLIENT_PATTERN = new RegExp(`^(?:${NEVER_FROM_CLIENT_PREFIXES.join("|")})`);

/**
 * Headers that name another resource than the capability's, or a user to act as, with the target's credential. Dropped
 * silently, a copy would become an empty write, and a request as a user with few rights would have all rights of the
 * credential. Sources: RFC 4918 (WebDAV), Azure Storage, Google, OpenStack, Kubernetes, GitLab, Elasticsearch, OpenSearch.
 */
const OVERRIDE_HEADERS: readonly string[] = [
  "destination",
  "x-copy-from",
  "x-copy-from-account",
  "x-object-manifest",
  "x-symlink-target",
  "x-symlink-target-account",
  "x-amz-copy-source",
  "x-goog-copy-source",
  "x-ms-copy-source",
  "x-ms-rename-source",
  "impersonate-group",
  "impersonate-uid",
  "impersonate-user",
  "sudo",
  "es-security-runas-user",
  "opendistro-security-impersonate-as",
];

const CLIENT_HEADERS: ReadonlyMap<string, ClientHeaderRule> = new Map([
  ...NEVER_FROM_CLIENT.map((name) => [name, "never"] as const),
  ...OVERRIDE_HEADERS.map((name) => [name, "override"] as const),
]);

/** The rule for an end-to-end header of the client; the name as {@link foldHeaderName} writes it. */
export function clientHeaderRule(foldedName: string): ClientHeaderRule {
  const rule = CLIENT_HEADERS.get(foldedName);
  if (rule !== undefined) return rule;
  if (NEVER_FROM_CLIENT_PATTERN.test(foldedName)) return "never";
  return foldedName.startsWith("impersonate-extra-") ? "override" : "pass";
}

/** What another Membrane Service reads, and no other target: no exporter can open it. */
export function isForMembraneService(lowerCase: string): boolean {
  return lowerCase === "x-payload-sha256" || lowerCase === "membrane-operation";
}

/**
 * Headers that pass to every target even if no limit names them: they describe the body, the response or a WebSocket handshake, and
 * a conditional PUT without its `If-None-Match` would be an overwrite.
 */
const PASSES_UNNAMED = /^(?:if-|content-|accept(?:-|$)|range$|sec-websocket-)/;

const CARRIER_NAMES: ReadonlySet<string> = new Set(CARRIERS);

/** What the rules say about a client's header, by its name. */
export interface ClientHeader {
  readonly lowerCase: string;
  /** As {@link foldHeaderName} writes it. */
  readonly folded: string;
  readonly rule: ClientHeaderRule;
  readonly isCredential: boolean;
  /** A capability token can come in it. */
  readonly isCarrier: boolean;
  /** It passes a limit on headers that does not name it, whatever the target's signature says. */
  readonly passesUnnamed: boolean;
}

/** @param name as the client wrote it. */
export const clientHeader: (name: string) => ClientHeader = memoized((name) => {
  const folded = foldHeaderName(name);
  const lowerCase = name.toLowerCase();
  return {
    lowerCase,
    folded,
    rule: clientHeaderRule(folded),
    isCredential: isCredentialHeader(folded),
    isCarrier: CARRIER_NAMES.has(folded),
    passesUnnamed: PASSES_UNNAMED.test(lowerCase) || isForMembraneService(lowerCase),
  };
});

/**
 * The names that `Connection` fields list, in lower case: hop-by-hop for this message only (RFC 9110 §7.6.1). Taken from
 * the received headers before the service adds its own, so that neither client nor target can have those removed.
 */
export function connectionOptions(rawHeaders: readonly string[]): ReadonlySet<string> {
  const values = valuesOf(rawHeaders, "connection");
  if (values.length === 0) return NONE;
  // The value that nearly all clients send.
  if (values.length === 1 && values[0] === "keep-alive") return KEEP_ALIVE;
  return new Set(listOf(rawHeaders, "connection").map((option) => option.toLowerCase()));
}

const NONE: ReadonlySet<string> = new Set();
const KEEP_ALIVE: ReadonlySet<string> = new Set(["keep-alive"]);
