import { type Result, err, ok } from "../result.ts";
import { MAX_PATH_PATTERN_LENGTH } from "./bounds.ts";
import { type CanonicalPath, canonicalizePath } from "./path.ts";

/**
 * A pattern of `limits.paths`, ready to be compared with paths in time proportional to the path.
 *
 * @example
 * const parsed = parsePathPattern("/projects/*%2F*");
 * const pattern: PathPattern | undefined = parsed.ok ? parsed.value : undefined;
 * pattern?.literals; // => ["/projects/", "%2F", ""]
 */
export interface PathPattern {
  /** The texts before, between and after the stars. */
  readonly literals: readonly string[];
  /** Whether it ends with `/**`, which is not in the last literal. */
  readonly isOpen: boolean;
}

const EXPECTED = `a path of at most ${MAX_PATH_PATTERN_LENGTH} characters in canonical form`;

/** A pattern can name what only some targets allow. */
const ALL_OPENINGS = { encodedSlash: true, emptySegments: true };

const OPEN_END = "/**";
const SEPARATOR = /(\/|%2F)/;

/**
 * Compiles a pattern. `*` is one part that is not empty, whereby parts are separated by `/` and `%2F`; `/**` at the end is any
 * number of further segments, or none. Everything else is the canonical path itself: case and a trailing slash count, and a star
 * of the path is written as `%2A`.
 *
 * @returns an error with what is expected, since another spelling of a path would never match.
 *
 * @example
 * parsePathPattern("/repos/octo/**").ok; // => true
 * parsePathPattern("/repos/octo*").ok; // => false
 */
export function parsePathPattern(text: string): Result<PathPattern, string> {
  if (text.length > MAX_PATH_PATTERN_LENGTH) return err(EXPECTED);
  const canonical = canonicalizePath(text, ALL_OPENINGS);
  if (!canonical.ok || canonical.value !== text) return err(EXPECTED);
  const isOpen = text.endsWith(OPEN_END);
  const pieces = (isOpen ? text.slice(0, -OPEN_END.length) : text).split(SEPARATOR);
  if (pieces.some((piece) => piece !== "*" && piece.includes("*")))
    return err(`${EXPECTED}, where * is a whole part and ** the whole last segment`);
  return ok({ literals: joinLiterals(pieces), isOpen });
}

/**
 * Whether a pattern admits a path.
 *
 * @example
 * const strict = { encodedSlash: false, emptySegments: false };
 * const pattern = parsePathPattern("/repos/octo/**");
 * const path = canonicalizePath("/repos/octo/issues/1", strict);
 * pattern.ok && path.ok && matchesPathPattern(pattern.value, path.value); // => true
 */
export function matchesPathPattern({ literals, isOpen }: PathPattern, path: CanonicalPath): boolean {
  let at = 0;
  for (const [index, literal] of literals.entries()) {
    if (index > 0) {
      const end = endOfPart(path, at);
      if (end === at) return false;
      at = end;
    }
    if (!path.startsWith(literal, at)) return false;
    at += literal.length;
  }
  return at === path.length || (isOpen && path.startsWith("/", at));
}

function joinLiterals(pieces: readonly string[]): readonly string[] {
  const literals = [""];
  for (const piece of pieces) {
    if (piece === "*") literals.push("");
    else literals[literals.length - 1] += piece;
  }
  return literals;
}

/** Looks for both separators in one pass: a search for `%2F` from each star would read the rest of the path each time. */
function endOfPart(path: CanonicalPath, from: number): number {
  let at = from;
  while (at < path.length && path[at] !== "/" && !path.startsWith("%2F", at)) at += 1;
  return at;
}
