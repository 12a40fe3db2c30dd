import { connectionOptions, passesToRequester } from "./header-rules.ts";

/** The head of an answer as it is passed on. */
export interface AnswerHead {
  readonly status: number;
  readonly reason: string;
  /** Flat list: name, value, … */
  readonly headers: string[];
}

/** Set on every answer of a target, because all capabilities share one URL and one origin. */
const ADDED = [
  "Vary",
  "Authorization",
  "X-Content-Type-Options",
  "nosniff",
  "Content-Security-Policy",
  "sandbox",
] as const;

/** What may stand in a field value or a reason phrase (RFC 9110 §5.5); anything else would throw when it is written. */
const WRITABLE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Not `trim`, which takes away a no-break space too: undici knows no such coding, and hands on the body as it is framed. */
const CHUNKED = /^[\t ]*chunked[\t ]*$/i;

/** In characters. Undici's limit for heads does not count the reason, and a reader's own might. */
const REASON_LIMIT = 1_024;

/**
 * Decides what of a target's answer goes to the requester.
 *
 * @param isBodiless no body comes though the requester expects one: its length is left out (RFC 9110 §8.6), or a reader
 *   would wait for it and take the next answer for it.
 * @returns nothing if the head is none that can be passed on: a status outside 200 to 599, a transfer coding other than
 *   chunked, once (the body would arrive still coded), a long reason, a value that no message can hold.
 */
export function shapeAnswer(
  status: number,
  reason: string,
  rawHeaders: readonly string[],
  cors: readonly string[],
  isBodiless: boolean = status === 204,
): AnswerHead | undefined {
  if (status < 200 || status > 599 || reason.length > REASON_LIMIT) return undefined;
  if (!WRITABLE.test(reason)) return undefined;
  const connection = connectionOptions(rawHeaders);
  const headers: string[] = [];
  let codings = 0;
  let isPrivate = false;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    const value = rawHeaders[i + 1] ?? "";
    const lowerCase = name.toLowerCase();
    if (lowerCase === "transfer-encoding") {
      codings += 1;
      if (codings > 1 || !CHUNKED.test(value)) return undefined;
    }
    if (!passesToRequester(lowerCase) || connection.has(lowerCase)) continue;
    if (isBodiless && lowerCase === "content-length") continue;
    if (!WRITABLE.test(value)) return undefined;
    if (lowerCase === "cache-control") {
      headers.push(name, makePrivate(value));
      isPrivate = true;
    } else headers.push(name, value);
  }
  if (!isPrivate) headers.push("Cache-Control", "private");
  headers.push(...ADDED, ...cors);
  return { status, reason, headers };
}

/**
 * A shared cache would go on answering with what it keeps after a revoke, and many (nginx's is one) keep all that does not
 * forbid it, whoever asked and whatever RFC 9111, section 3.5, says of requests with Authorization. So every answer is
 * `private`, in place of what would allow the opposite; `private` with field names is about those fields alone.
 */
export function makePrivate(cacheControl: string): string {
  const directives = splitDirectives(cacheControl).map((directive) =>
    /^(?:public|s-maxage)\s*(?:=|$)/i.test(directive) ? "private" : directive,
  );
  if (!directives.some((directive) => /^(?:private|no-store)$/i.test(directive))) directives.push("private");
  return Array.from(new Set(directives)).join(", ");
}

/** Splits at commas outside quoted strings. */
function splitDirectives(cacheControl: string): string[] {
  const directives = cacheControl.match(/(?:[^",]|"(?:[^"\\]|\\.)*"?)+/g) ?? [];
  return directives.map((directive) => directive.trim()).filter((directive) => directive !== "");
}
