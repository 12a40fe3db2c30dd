import { err, ok } from "capability-protocol";
import type { Outcome } from "../domain/denial.ts";
import { keepsAuthorization } from "./authorization-keeping-clients.ts";
import { valuesOf } from "./raw-headers.ts";
import type { Carrier } from "./carrier.ts";
import type { TargetBase } from "./references.ts";
import { MAX_REFERENCES, keepsAuthority, mapLinks, resolveBelowBase } from "./references.ts";
import type { RewriteTarget } from "./rewrite-reference.ts";
import { rewriteReference } from "./rewrite-reference.ts";

/** The parts of the request on which the response depends. */
export interface SentRequest {
  readonly target: RewriteTarget & { readonly base: TargetBase };
  /** With the query, as sent. */
  readonly path: string;
  /** Flat list: the client's header lines as they came. */
  readonly clientHeaders: readonly string[];
  /** Where the token came in. */
  readonly carrier: Carrier | undefined;
  /** This service's origin, serialized. */
  readonly ownOrigin: string;
}

/** Headers of the target's authentication. */
const AUTHENTICATION_HEADERS: ReadonlySet<string> = new Set([
  "authentication-control",
  "authentication-info",
  "optional-www-authenticate",
  "www-authenticate",
]);

/**
 * What a challenge needs in order to name a URI, also with the escapes of a quoted string. docker and skopeo send their token to
 * the `realm` of a Bearer challenge.
 */
const URI_MARK = /[:/\\]/;

/** Headers in which clients find a redirect; Python's urllib reads `URI`. */
const REDIRECT_HEADERS: ReadonlySet<string> = new Set(["location", "uri"]);

/**
 * Headers in which clients find where an upload or an operation continues. Clients of tus, Azure and Google send their next request
 * there with the token, wherever it came in: they drop `Authorization` only when they follow a redirect.
 */
const CONTINUATION_HEADERS: ReadonlySet<string> = new Set([
  "azure-asyncoperation",
  "operation-location",
  "upload-location",
  "x-goog-upload-control-url",
  "x-goog-upload-url",
  ...REDIRECT_HEADERS,
]);

/** A `Refresh` that only repeats the request. */
const DELAY_ALONE = /^\d+$/;

/** Lower-case names of response headers that lead a client, or its credentials, somewhere. */
const REFERENCE_HEADERS: ReadonlySet<string> = new Set([
  "link",
  "content-location",
  "refresh",
  ...CONTINUATION_HEADERS,
  ...AUTHENTICATION_HEADERS,
]);

export function isReferenceHeader(lowerCaseName: string): boolean {
  return REFERENCE_HEADERS.has(lowerCaseName);
}

/** Replaces a target's challenge: no client has a credential for it, since `Authorization` never reaches a target. */
const REPLACEMENT_CHALLENGE = ["WWW-Authenticate", "Target"] as const;

const NOT_PASSED = err({ reason: "redirect_not_passed" });

/**
 * Removes from a response what would lead the holder's token, or its other credentials, elsewhere:
 *
 * - a challenge that names a URI (a client that responds to a `realm` sends its own credential there: CVE-2020-15157), and any
 *   challenge of a target that has its credential already;
 * - a `Link` outside the target's base, which clients follow with the token;
 * - a `Location` of another response than a redirect, or a similar header, outside the base, unless it is relative; any `Refresh`
 *   with a URI;
 * - a redirect outside the base, or to the target itself, for clients that would send the token there: refused, since without its
 *   Location it means nothing.
 *
 * If holders may add a path, references below the base are rewritten to this service.
 *
 * @param headers flat list of the headers that pass otherwise.
 */
export function filterReferences(
  sentRequest: SentRequest,
  status: number,
  headers: readonly string[],
): Outcome<string[]> {
  const { carriesCredential, pathOpenings } = sentRequest.target;
  const isRewriting = pathOpenings !== undefined;
  const passOn = referenceMapper(sentRequest);
  const passed: string[] = [];
  let isChallenged = false;
  let isRewritten = false;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? "";
    const value = headers[i + 1] ?? "";
    const lowerCase = name.toLowerCase();
    if (AUTHENTICATION_HEADERS.has(lowerCase) && (carriesCredential || URI_MARK.test(value))) {
      if (lowerCase === "www-authenticate" && !isChallenged) passed.push(...REPLACEMENT_CHALLENGE);
      isChallenged ||= lowerCase === "www-authenticate";
    } else if (isRedirect(status) && REDIRECT_HEADERS.has(lowerCase)) {
      const reference = passOn(value);
      const staysHere = reference !== undefined && (isRewriting || keepsAuthority(reference));
      if (!staysHere && keepsToken(sentRequest)) return NOT_PASSED;
      isRewritten ||= staysHere && isRewriting;
      passed.push(name, reference ?? value);
    } else {
      const kept = mapField(lowerCase, value, passOn);
      if (kept !== undefined) passed.push(name, kept);
    }
  }
  return !isRewritten && isEndpointRedirect(sentRequest, status) ? NOT_PASSED : ok(passed);
}

/**
 * Whether a client of S3 may take another host from the body of this response, and send its token there; `Location` does not
 * matter to it.
 */
export function isEndpointRedirect({ carrier }: Pick<SentRequest, "carrier">, status: number): boolean {
  return isEndpointRedirectStatus(status) && carrier === "x-amz-security-token";
}

function isEndpointRedirectStatus(status: number): boolean {
  return status === 301 || status === 307;
}

/** Whether what is passed on of a head depends on the request that it responds to. */
export function dependsOnRequest(status: number, headers: readonly string[]): boolean {
  return (
    isEndpointRedirectStatus(status) ||
    headers.some((name, index) => index % 2 === 0 && isReferenceHeader(name.toLowerCase()))
  );
}

/**
 * Decides what becomes of a header that does not redirect. Clients resolve a relative reference to this service, where the token
 * may go.
 *
 * @returns nothing if it must not be passed on.
 */
function mapField(
  lowerCaseName: string,
  value: string,
  passOn: (reference: string) => string | undefined,
): string | undefined {
  if (lowerCaseName === "link") return mapLinks(value, passOn);
  if (lowerCaseName === "refresh") return DELAY_ALONE.test(value) ? value : undefined;
  if (lowerCaseName === "content-location") return passOn(value) ?? value;
  if (!CONTINUATION_HEADERS.has(lowerCaseName)) return value;
  return passOn(value) ?? (keepsAuthority(value) ? value : undefined);
}

/** Decides what becomes of a reference that may lead below the target's base. After {@link MAX_REFERENCES}, none does. */
function referenceMapper({
  target,
  path,
  ownOrigin,
}: SentRequest): (reference: string) => string | undefined {
  let left = MAX_REFERENCES;
  return (reference) => {
    left -= 1;
    if (left < 0) return undefined;
    const below = resolveBelowBase(target.base, target.base.origin + path, reference);
    if (below === undefined) return undefined;
    return target.pathOpenings === undefined ? reference : rewriteReference(target, ownOrigin, below);
  };
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400;
}

/** Whether the client would send the token to any host. Only of `Authorization` do most clients know that it holds one. */
function keepsToken({ carrier, clientHeaders }: SentRequest): boolean {
  if (carrier !== "authorization") return true;
  return valuesOf(clientHeaders, "user-agent").some(keepsAuthorization);
}
