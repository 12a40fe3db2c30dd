import { err, isFieldValue, ok } from "capability-protocol";
import { memoized } from "../collections/memoized.ts";
import type { Outcome } from "../domain/denial.ts";
import { VARY_BY_CARRIER } from "./carrier.ts";
import { connectionOptions } from "./header-rules.ts";
import { appendAll } from "./raw-headers.ts";
import type { SentRequest } from "./reference-filter.ts";
import { isEndpointRedirect, isReferenceHeader, filterReferences } from "./reference-filter.ts";
import { passesToClient } from "./response-header-rules.ts";

/** The head of a response as it is passed on. */
export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  /** Flat list: name, value, … */
  readonly headers: string[];
  /** The body is not passed on, and the headers say so. */
  readonly dropsBody: boolean;
}

/** Set on every response of a target, because all capabilities share one URL and one origin. */
const SECURITY_HEADERS: readonly string[] = [
  ...VARY_BY_CARRIER,
  "X-Content-Type-Options",
  "nosniff",
  "Content-Security-Policy",
  "sandbox",
];

/** Set if a target sends no Cache-Control: many caches then choose a lifetime themselves (RFC 9111 §4.2.2). */
const PRIVATE_AND_SECURITY_HEADERS: readonly string[] = ["Cache-Control", "private", ...SECURITY_HEADERS];

/** Not `trim`, which also removes a no-break space: undici does not know that coding, and passes on the chunks as the body. */
const CHUNKED = /^[\t ]*chunked[\t ]*$/i;

/** What the rules say about a target's header, by its name alone. */
const targetHeader = memoized((name) => {
  const lowerCase = name.toLowerCase();
  return { lowerCase, passes: passesToClient(lowerCase), isReference: isReferenceHeader(lowerCase) };
});

/** Headers that describe a body; `Content-Location` and `Content-Security-Policy` do not. */
const BODY_HEADERS: ReadonlySet<string> = new Set([
  "content-digest",
  "content-encoding",
  "content-language",
  "content-length",
  "content-md5",
  "content-range",
  "content-type",
]);

const NO_BODY: readonly string[] = ["Content-Length", "0"];

const INVALID_RESPONSE = err({ reason: "invalid_target_response" });

/** In characters. Undici's limit for heads does not count the reason, and a client's limit may. */
const MAX_REASON_LENGTH = 1_024;

/**
 * Decides which part of a target's head goes to the client.
 *
 * @param sentRequest the request that is responded to.
 * @param isBodiless no body follows although the client expects one: its length is left out (RFC 9110 §8.6), since a client
 *   would wait for it and take the next response for it.
 * @returns a refusal if the head cannot be passed on: a status outside 200 to 599, a transfer coding other than one chunked (the
 *   body would still be coded), a long reason, an invalid value; or a redirect to which the client would send its token.
 */
export function buildResponseHead(
  status: number,
  reason: string,
  rawHeaders: readonly string[],
  cors: readonly string[],
  sentRequest: SentRequest,
  isBodiless: boolean = status === 204,
): Outcome<ResponseHead> {
  if (status < 200 || status > 599 || reason.length > MAX_REASON_LENGTH) return INVALID_RESPONSE;
  // Node throws for any other reason or value when it is written, and a reason has the characters of a value (RFC 9112 §4).
  if (!isFieldValue(reason)) return INVALID_RESPONSE;
  const connection = connectionOptions(rawHeaders);
  // Clients of S3 find another host in the body, and follow it with the token.
  const dropsBody = isEndpointRedirect(sentRequest, status);
  const passed: string[] = [];
  let codings = 0;
  let hasCacheControl = false;
  let hasReferences = false;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    const value = rawHeaders[i + 1] ?? "";
    const { lowerCase, passes, isReference } = targetHeader(name);
    if (lowerCase === "transfer-encoding") {
      codings += 1;
      if (codings > 1 || !CHUNKED.test(value)) return INVALID_RESPONSE;
    }
    if (!passes || connection.has(lowerCase)) continue;
    if (isBodiless && lowerCase === "content-length") continue;
    if (dropsBody && BODY_HEADERS.has(lowerCase)) continue;
    if (!isFieldValue(value)) return INVALID_RESPONSE;
    const isCacheControl = lowerCase === "cache-control";
    if (isCacheControl) hasCacheControl = true;
    if (isReference) hasReferences = true;
    passed.push(name, isCacheControl ? makePrivate(value) : value);
  }
  const filtered = hasReferences || dropsBody ? filterReferences(sentRequest, status, passed) : ok(passed);
  if (!filtered.ok) return filtered;
  const headers = filtered.value;
  appendAll(headers, hasCacheControl ? SECURITY_HEADERS : PRIVATE_AND_SECURITY_HEADERS);
  appendAll(headers, cors);
  if (dropsBody) appendAll(headers, NO_BODY);
  return ok({ status, reason, headers, dropsBody });
}

/** Directives that let a shared cache store what it must not otherwise (RFC 9111 §3.5), and a `private` that names fields. */
const REPLACED_DIRECTIVES = /^(?:public|s-maxage|private)\s*(?:=|$)/i;

const NO_STORE = /^no-store$/i;

/**
 * Adds `private`, since a shared cache would send the response to every client that requests the URL, also after a revoke:
 * nginx and others store the response to a request with Authorization (against RFC 9111 §3.5) if it has `max-age` or `Expires`.
 * `private` comes first, so that an unclosed quote of the target does not include it.
 */
export function makePrivate(cacheControl: string): string {
  const directives = splitDirectives(cacheControl);
  const kept = directives.filter((directive) => !REPLACED_DIRECTIVES.test(directive));
  const isPrivate = kept.length === directives.length && kept.some((directive) => NO_STORE.test(directive));
  return (isPrivate ? kept : ["private", ...kept]).join(", ");
}

/**
 * Splits at commas outside quoted strings; an unclosed quote includes all that follows. In a quoted string, a backslash escapes
 * the next character (RFC 9110 §5.6.4).
 */
function splitDirectives(cacheControl: string): string[] {
  const directives: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let at = 0; at <= cacheControl.length; at += 1) {
    const character = cacheControl[at];
    if (character === '"') isQuoted = !isQuoted;
    else if (isQuoted && character === "\\") at += 1;
    if (at < cacheControl.length && (isQuoted || character !== ",")) continue;
    const directive = cacheControl.slice(start, at).trim();
    if (directive !== "") directives.push(directive);
    start = at + 1;
  }
  return directives;
}
