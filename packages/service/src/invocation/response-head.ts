import { err, ok } from "capability-protocol";
import { memoized } from "../collections/memoized.ts";
import type { Outcome } from "../domain/denial.ts";
import { connectionOptions } from "./header-rules.ts";
import type { SentRequest } from "./reference-filter.ts";
import { isReferenceHeader, filterReferences } from "./reference-filter.ts";
import { passesToClient } from "./response-header-rules.ts";

/** The head of an answer as it is passed on. */
export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  /** Flat list: name, value, … */
  readonly headers: string[];
}

/** Set on every answer of a target, because all capabilities share one URL and one origin. */
const SECURITY_HEADERS = [
  "Vary",
  "Authorization",
  "X-Content-Type-Options",
  "nosniff",
  "Content-Security-Policy",
  "sandbox",
] as const;

/** For a target that says nothing of caches: many a cache then decides by itself how long it keeps the answer. */
const DEFAULT_CACHE_CONTROL = ["Cache-Control", "private"] as const;

/** A valid field value or reason phrase (RFC 9110 §5.5); Node throws for any other when it is written. */
const WRITABLE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Not `trim`, which takes away a no-break space too: undici knows no such coding, and hands on the body as it is framed. */
const CHUNKED = /^[\t ]*chunked[\t ]*$/i;

/** What a target's header is, by its name alone. */
const targetHeader = memoized((name) => {
  const lowerCase = name.toLowerCase();
  return { lowerCase, passes: passesToClient(lowerCase), isReference: isReferenceHeader(lowerCase) };
});

const INVALID_RESPONSE = err({ reason: "invalid_target_response" });

/** In characters. Undici's limit for heads does not count the reason, and a reader's own might. */
const MAX_REASON_LENGTH = 1_024;

/**
 * Decides what of a target's answer goes to the client.
 *
 * @param sentRequest what the answer is to.
 * @param isBodiless no body comes though the client expects one: its length is left out (RFC 9110 §8.6), or a reader
 *   would wait for it and take the next answer for it.
 * @returns a refusal if the head is none that can be passed on: a status outside 200 to 599, a transfer coding other than
 *   chunked, once (the body would arrive still coded), a long reason, a value that no message can hold; or a redirect that
 *   would take the client's token along.
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
  if (!WRITABLE.test(reason)) return INVALID_RESPONSE;
  const connection = connectionOptions(rawHeaders);
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
    if (!WRITABLE.test(value)) return INVALID_RESPONSE;
    const isCacheControl = lowerCase === "cache-control";
    if (isCacheControl) hasCacheControl = true;
    if (isReference) hasReferences = true;
    passed.push(name, isCacheControl ? makePrivate(value) : value);
  }
  const filtered = hasReferences ? filterReferences(sentRequest, status, passed) : ok(passed);
  if (!filtered.ok) return filtered;
  const headers = filtered.value;
  if (!hasCacheControl) headers.push(...DEFAULT_CACHE_CONTROL);
  headers.push(...SECURITY_HEADERS, ...cors);
  return ok({ status, reason, headers });
}

/** By which a shared cache may keep what it otherwise must not (RFC 9111 §3.5), and a `private` that names single fields. */
const REPLACED_DIRECTIVES = /^(?:public|s-maxage|private)\s*(?:=|$)/i;

const NO_STORE = /^no-store$/i;

/**
 * Adds `private`, first, where no open quote of the target swallows it: a shared cache would send the response to every
 * client that requests the URL, also after a revoke. RFC 9111 §3.5 forbids to store the response to a request with
 * Authorization, but nginx and others do with `max-age`, `Expires` or some statuses; all honor `private` and `no-store`.
 */
export function makePrivate(cacheControl: string): string {
  const directives = splitDirectives(cacheControl);
  const kept = directives.filter((directive) => !REPLACED_DIRECTIVES.test(directive));
  const isPrivate = kept.length === directives.length && kept.some((directive) => NO_STORE.test(directive));
  return (isPrivate ? kept : ["private", ...kept]).join(", ");
}

/**
 * Splits at commas outside quoted strings; an open quote holds all that follows. Within one, a backslash takes the next
 * character with it (RFC 9110 §5.6.4).
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
