import { type Result, err, ok } from "../result.ts";

/** Only this module can make a {@link CanonicalPath}. */
declare const brand: unique symbol;

/**
 * A path in the one form that is checked, joined, signed and sent, as {@link canonicalizePath} returns it. No accepted path means
 * another resource to a server that decodes it again, merges slashes or cuts path parameters.
 *
 * @example
 * const path = canonicalizePath("/v1/%6dodels", { encodedSlash: false, emptySegments: false });
 * const canonical: CanonicalPath | undefined = path.ok ? path.value : undefined;
 * canonical; // => "/v1/models"
 */
export type CanonicalPath = string & { readonly [brand]: true };

/**
 * What a target allows in the path of a client, apart from what every target does.
 *
 * @example
 * const openings: PathOpenings = { encodedSlash: true, emptySegments: false };
 * canonicalizePath("/@scope%2fpackage", openings).ok; // => true
 */
export interface PathOpenings {
  /** `%2F` stays in its segment, as in the names of npm's scoped packages. */
  readonly encodedSlash: boolean;
  /** `//` is allowed, as in the keys of S3. */
  readonly emptySegments: boolean;
}

/** What each rule expects of a path, by the rule's name. */
const RULES = {
  form: "a path that begins with a slash",
  character: 'visible ASCII characters other than \\ # ? " < > ^ ` { | }',
  percent: "two hexadecimal digits after each percent sign",
  control: "no escaped control character or backslash",
  "utf-8": "escapes that are UTF-8",
  "double-encoding": "no escape of an escape that would become a delimiter, a dot or a control character",
  "encoded-slash": "no %2F, since the target has no encodedSlash",
  "empty-segment": "no empty segment, since the target has no emptySegments",
  "dot-segment": "no segment of dots, also before ; ? or #, and no segment that begins with a semicolon",
} as const;

/**
 * The rule that refuses a path.
 *
 * @example
 * const path = canonicalizePath("/a/../b", { encodedSlash: false, emptySegments: false });
 * const rule: PathRule | undefined = path.ok ? undefined : path.error.rule;
 * rule; // => "dot-segment"
 */
export type PathRule = keyof typeof RULES;

/**
 * Why a path is refused. It has nothing of the path.
 *
 * @example
 * const path = canonicalizePath("/a%2", { encodedSlash: false, emptySegments: false });
 * const problem: PathProblem | undefined = path.ok ? undefined : path.error;
 * problem?.expected; // => "two hexadecimal digits after each percent sign (percent)"
 * problem?.message; // => "path: expected two hexadecimal digits after each percent sign (percent)."
 */
export interface PathProblem {
  readonly rule: PathRule;
  /** What would have been accepted, with the name of the rule. */
  readonly expected: string;
  /** The same as a sentence about a request. */
  readonly message: string;
}

const FORBIDDEN_CHARACTER = /[^!$-;=@-[\]_a-z~]/;
const INCOMPLETE_ESCAPE = /%(?![0-9A-F]{2})/i;
const ESCAPE = /%[0-9A-F]{2}/gi;
const ESCAPED_CONTROL = /%(?:[01][0-9A-F]|7F|5C)/i;
const ESCAPED_NON_ASCII = /%[89A-F]/i;
const UNRESERVED = /[A-Za-z0-9\-._~]/;
const ESCAPED_DELIMITER = /%25(?:2[EF35]|5C|3[BF]|7F|[01][0-9A-F])/i;

/** What a path has whose segments may break a rule; most paths have none of it. */
const NEEDS_SEGMENT_RULES = /[.;]|%3B|%2F|\/\//;

/** Where servers cut path parameters from a segment, and where one that decodes once more finds a query or a fragment. */
const CUT = /;|%(?:3[BF]|23)/;

/** `%23` may begin a segment, as in the aliases of Matrix. */
const BEGINS_WITH_PARAMETERS = /^(?:;|%3B)/;

/** Dots and spaces: Windows ignores spaces after dots. A space escaped twice is one after a second decoding. */
const DOTS_AND_SPACES = /^(?:\.|%(?:25)?20)*$/;

/**
 * Brings the path of a request into its canonical form: unreserved characters are decoded (RFC 3986 §6.2.2.2), other escapes are
 * in upper case. The function is idempotent. What two servers may read as two paths is refused, not repaired.
 *
 * @param raw path as received, without the query.
 * @returns the canonical path, or the first rule that the path breaks, with what the rule expects; the error has nothing of the path.
 *
 * @example
 * const strict = { encodedSlash: false, emptySegments: false };
 * canonicalizePath("/caf%c3%a9/%7Euser", strict); // => ok("/caf%C3%A9/~user" as CanonicalPath)
 * const refused = canonicalizePath("/a/..;x/b", strict);
 * refused.ok || refused.error.rule; // => "dot-segment"
 */
export function canonicalizePath(raw: string, openings: PathOpenings): Result<CanonicalPath, PathProblem> {
  if (!raw.startsWith("/")) return refuse("form");
  if (FORBIDDEN_CHARACTER.test(raw)) return refuse("character");
  const path = raw.includes("%") ? normalizeEscapes(raw) : ok(raw);
  if (!path.ok) return path;
  if (!openings.encodedSlash && path.value.includes("%2F")) return refuse("encoded-slash");
  const rule = findSegmentRule(path.value, openings);
  if (rule !== undefined) return refuse(rule);
  // Every rule holds, which is what the type means.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return ok(path.value as CanonicalPath);
}

function normalizeEscapes(raw: string): Result<string, PathProblem> {
  if (INCOMPLETE_ESCAPE.test(raw)) return refuse("percent");
  if (ESCAPED_CONTROL.test(raw)) return refuse("control");
  if (ESCAPED_NON_ASCII.test(raw) && !isUtf8(raw)) return refuse("utf-8");
  const path = raw.replaceAll(ESCAPE, normalizeEscape);
  // Checked in the result, since `%25%32%65` becomes `%252e` only there.
  return ESCAPED_DELIMITER.test(path) ? refuse("double-encoding") : ok(path);
}

/** The canonical form of the escape of each byte. */
const ESCAPES: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return UNRESERVED.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
});

function normalizeEscape(escape: string): string {
  return ESCAPES[Number.parseInt(escape.slice(1), 16)] ?? escape;
}

/** Whether the bytes of complete escapes are UTF-8: decodeURIComponent refuses overlong forms and surrogates as well. */
function isUtf8(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

function findSegmentRule(path: string, { emptySegments }: PathOpenings): PathRule | undefined {
  if (!NEEDS_SEGMENT_RULES.test(path)) return undefined;
  const segments = path.slice(1).split("/");
  for (const [index, segment] of segments.entries()) {
    // An empty last segment is the trailing slash, and the only segment of `/`.
    if (segment === "" && index === segments.length - 1) continue;
    for (const part of segment.split("%2F")) {
      if (part === "" && !emptySegments) return "empty-segment";
      if (isDotSegment(part)) return "dot-segment";
    }
  }
  return undefined;
}

/**
 * CVE-2026-100971: `..;x` is `..` to a server that cuts path parameters, and `;x` an empty segment. `..%3Fx` is `..` and a query to
 * a server behind a proxy that decodes.
 */
function isDotSegment(part: string): boolean {
  if (BEGINS_WITH_PARAMETERS.test(part)) return true;
  const end = part.search(CUT);
  const name = end === -1 ? part : part.slice(0, end);
  return name.includes(".") && DOTS_AND_SPACES.test(name);
}

function refuse(rule: PathRule): Result<never, PathProblem> {
  const expected = `${RULES[rule]} (${rule})`;
  return err({ rule, expected, message: `path: expected ${expected}.` });
}
